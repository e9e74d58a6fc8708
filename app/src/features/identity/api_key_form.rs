//! Making a key, and telling it: once, here, and nowhere again.

use std::time::Duration;

use domain::access::Scope;
use leptos::{ev, html, prelude::*, task::spawn_local};

use super::{api::create_api_key, api_keys_page::scope_words};
use crate::{
    error::AppError,
    session,
    ui::{Banner, BannerTone, Button, ButtonKind, ButtonSize, Dialog, Field, Glyph, Input, Select, clipboard},
};

/// The form, in a dialog.
#[component]
pub fn ApiKeyForm(
    /// Shown.
    open: RwSignal<bool>,
    /// Told of the key.
    made: Callback<String>,
) -> impl IntoView {
    let name = NodeRef::<html::Div>::new();
    let pending = RwSignal::new(false);
    let refused = RwSignal::new(None::<AppError>);
    let field = move |name: &'static str| Signal::derive(move || refused.with(|error| error.as_ref().and_then(|error| error.field(name))));
    let submitted = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let Some((name, scope)) = name.get_untracked().and_then(|form| values(&form)) else { return };
        if pending.get_untracked() {
            return;
        }
        pending.set(true);
        spawn_local(async move {
            let answer = create_api_key(name, scope).await;
            pending.try_set(false);
            match answer {
                Ok(created) => {
                    refused.try_set(None);
                    open.try_set(false);
                    made.try_run(created.key.unwrap_or_default());
                }
                Err(error) => {
                    session::check(&error);
                    refused.try_set(Some(error));
                }
            }
        });
    };
    let other = move || refused.with(|error| error.as_ref().filter(|error| error.field("name").is_none()).map(AppError::detail));
    view! {
        <Dialog id="new-key" open=open title="New API key">
            <form on:submit=submitted>
                <div class="stack" node_ref=name>
                    {move || other().map(|words| view! { <Banner tone=BannerTone::Bad>{words}</Banner> })}
                    <Field id="key-name" label="Name" help="What it is for, such as the program that uses it." error=field("name")>
                        <Input name="name" autocomplete="off" required=true attr:maxlength="80" attr:autofocus=true/>
                    </Field>
                    <Field id="key-scope" label="It may" error=field("scopes")>
                        <Select name="scope">
                            {Scope::ALL.into_iter().map(|scope| view! { <option value=scope.as_str()>{scope_words(scope)}</option> }).collect_view()}
                        </Select>
                    </Field>
                </div>
                <div class="dialog-f mt-5 -mx-5 -mb-5">
                    <Button on:click=move |_| open.set(false)>"Cancel"</Button>
                    <Button submit=true kind=ButtonKind::Primary pending=pending>"Make key"</Button>
                </div>
            </form>
        </Dialog>
    }
}

/// What the form says: a name, a scope.
fn values(form: &web_sys::Element) -> Option<(String, Scope)> {
    use wasm_bindgen::JsCast;
    let name: web_sys::HtmlInputElement = form.query_selector("[name=name]").ok()??.dyn_into().ok()?;
    let scope: web_sys::HtmlSelectElement = form.query_selector("[name=scope]").ok()??.dyn_into().ok()?;
    Some((name.value(), Scope::parse(&scope.value())?))
}

/// A key that was just made.
#[component]
pub fn FreshKey(
    /// The key; set to `None` when it is put away.
    key: RwSignal<Option<String>>,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let copy = move |_| {
        let Some(key) = key.get_untracked() else { return };
        spawn_local(async move {
            if clipboard::copy(&key).await {
                copied.try_set(true);
                set_timeout(
                    move || {
                        copied.try_set(false);
                    },
                    Duration::from_secs(2),
                );
            }
        });
    };
    move || {
        key.get().map(|told| {
            view! {
                <Banner tone=BannerTone::Ok>
                    <b>"Your new key. It is not shown again."</b>
                    <div class="row flex-wrap mt-2">
                        <code class="grow basis-60 break-all">{told}</code>
                        <Button size=ButtonSize::Small icon=Glyph::Copy on:click=copy>{move || if copied.get() { "Copied" } else { "Copy" }}</Button>
                        <Button size=ButtonSize::Small on:click=move |_| key.set(None)>"I have kept it"</Button>
                    </div>
                </Banner>
            }
        })
    }
}
