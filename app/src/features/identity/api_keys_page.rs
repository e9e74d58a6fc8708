//! `/settings/api-keys`: keys with which programs act for their owner.

use contracts::identity::ApiKeyView;
use domain::access::Scope;
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::{LazyRoute, lazy_route};

use super::{
    api::{list_api_keys, revoke_api_key},
    api_key_form::{ApiKeyForm, FreshKey},
};
use crate::{
    features::failure::Failure,
    layout::PageHeader,
    loaded::Loaded,
    session,
    ui::{AlertDialog, Badge, Button, ButtonKind, ButtonSize, EmptyState, Glyph, Skeleton, Timestamp, Toast, use_toasts},
};

/// The page.
pub struct ApiKeysPage {
    keys: Loaded<Vec<ApiKeyView>>,
}

#[lazy_route]
impl LazyRoute for ApiKeysPage {
    fn data() -> Self {
        Self { keys: Loaded::new(String::new, |_| list_api_keys()) }
    }

    fn view(this: Self) -> AnyView {
        let keys = this.keys;
        let fresh = RwSignal::new(None::<String>);
        let opening = RwSignal::new(false);
        let made = Callback::new(move |key: String| {
            fresh.set(Some(key));
            keys.again();
        });
        view! {
            <Title text="API keys"/>
            <PageHeader title="API keys">
                <Button kind=ButtonKind::Primary size=ButtonSize::Small icon=Glyph::Plus on:click=move |_| opening.set(true)>"New key"</Button>
            </PageHeader>
            <div class="page" tabindex="0">
                <div class="page-in">
                    <p class="sub">"A key lets a program act for you through the API. It is shown once; keep it like a password."</p>
                    <FreshKey key=fresh/>
                    <Transition fallback=|| view! { <Skeleton lines=4 rows=true/> }>
                        {move || Suspend::new(async move {
                            match keys.get().await {
                                Ok(all) => view! { <Keys all=all keys=keys opening=opening fresh=fresh/> }.into_any(),
                                Err(error) => view! { <Failure error=error/> }.into_any(),
                            }
                        })}
                    </Transition>
                </div>
            </div>
            <ApiKeyForm open=opening made=made/>
        }
        .into_any()
    }
}

#[component]
fn Keys(all: Vec<ApiKeyView>, keys: Loaded<Vec<ApiKeyView>>, opening: RwSignal<bool>, fresh: RwSignal<Option<String>>) -> impl IntoView {
    let toasts = use_toasts();
    let asked = RwSignal::new(None::<ApiKeyView>);
    let asking = RwSignal::new(false);
    let revoke = Callback::new(move |()| {
        let Some(key) = asked.get_untracked() else { return };
        spawn_local(async move {
            match revoke_api_key(key.id).await {
                Ok(()) => {
                    fresh.try_set(None);
                    toasts.show(Toast::new(format!("Key “{}” revoked", key.name)));
                }
                Err(error) => {
                    session::check(&error);
                    toasts.show(Toast::failed(error.detail()));
                }
            }
            keys.again();
        });
    });
    if all.is_empty() {
        return view! {
            <EmptyState of=Glyph::Key title="No keys yet" words="Make one to use the API from a script, a server or a notebook.">
                <Button on:click=move |_| opening.set(true)>"New key"</Button>
            </EmptyState>
        }
        .into_any();
    }
    let row = move |key: ApiKeyView| {
        let ask = {
            let key = key.clone();
            move |_| {
                asked.set(Some(key.clone()));
                asking.set(true);
            }
        };
        view! {
            <tr>
                <td><b>{key.name}</b></td>
                <td><code>{key.prefix}"…"</code></td>
                <td>{key.scopes.into_iter().map(|scope| view! { <Badge>{scope_words(scope)}</Badge> }).collect_view()}</td>
                <td><Timestamp at=key.created_at.to_string()/></td>
                <td>{match key.last_used_at {
                    Some(at) => view! { <Timestamp at=at.to_string()/> }.into_any(),
                    None => "never".into_any(),
                }}</td>
                <td class="r"><Button kind=ButtonKind::Danger size=ButtonSize::Small on:click=ask>"Revoke"</Button></td>
            </tr>
        }
    };
    view! {
        <div class="tbl-s" tabindex="0" role="region" aria-label="Your keys">
            <table class="tbl">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th><th scope="col">"Key"</th><th scope="col">"May"</th>
                        <th scope="col">"Made"</th><th scope="col">"Used"</th><td></td>
                    </tr>
                </thead>
                <tbody>{all.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
        <AlertDialog id="revoke" open=asking title="Revoke this key?" confirm="Revoke" on_confirm=revoke>
            {move || asked.get().map(|key| format!("Programs that use “{}” are refused from now on. This cannot be undone.", key.name))}
        </AlertDialog>
    }
    .into_any()
}

/// What a scope lets a key do, in words.
pub fn scope_words(scope: Scope) -> &'static str {
    match scope {
        Scope::All => "everything you may",
        Scope::Read => "read",
        Scope::Chat => "read and chat",
    }
}
