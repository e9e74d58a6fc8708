//! `/sign-in`: a plain form that posts to its own address; the edge answers it.

use leptos::prelude::*;
use leptos_meta::Title;

use super::form_state::{FormState, Refused, next};
use crate::{
    layout::{AuthLayout, SignInAside},
    paths,
    ui::{Button, ButtonKind, ButtonSize, Field, Input, Link},
};

/// The page. Public: rendered on the server, no script.
#[component]
pub fn SignInPage() -> impl IntoView {
    let form = use_context::<FormState>().unwrap_or_default();
    let next = next(&form);
    let (email_error, password_error) = (form.error("email"), form.error("password"));
    view! {
        <Title text="Sign in"/>
        <AuthLayout
            title="Welcome back"
            lead=|| view! { "New here? " <Link href=paths::SIGN_UP>"Create an account"</Link> }
            aside=|| view! { <SignInAside/> }
        >
            <Refused problem=form.problem.clone() fields=&["email", "password"]/>
            <form method="post" action=paths::SIGN_IN>
                {next.map(|next| view! { <input type="hidden" name="next" value=next/> })}
                <Field id="email" label="Email" error=email_error>
                    <Input name="email" r#type="email" value=form.email.clone() placeholder="you@company.com" autocomplete="username" required=true/>
                </Field>
                <Field id="password" label="Password" error=password_error>
                    <Input name="password" r#type="password" autocomplete="current-password" required=true/>
                </Field>
                <Button submit=true kind=ButtonKind::Primary size=ButtonSize::Large wide=true>"Sign in"</Button>
            </form>
            <p class="help">"Pasting and password managers are welcome. There is no puzzle to solve."</p>
        </AuthLayout>
    }
}
