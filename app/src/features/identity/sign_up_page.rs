//! `/sign-up`: a plain form that posts to its own address; the edge answers it.

use domain::identity::NAME_MAX;
use leptos::prelude::*;
use leptos_meta::Title;

use super::form_state::{FormState, Refused, next};
use crate::{
    layout::{AuthLayout, SignUpAside},
    paths,
    ui::{Button, ButtonKind, ButtonSize, Field, Input, Link},
};

/// The page. Public: rendered on the server, no script.
#[component]
pub fn SignUpPage() -> impl IntoView {
    let form = use_context::<FormState>().unwrap_or_default();
    let next = next(&form);
    let (name_error, email_error, password_error) = (form.error("name"), form.error("email"), form.error("password"));
    view! {
        <Title text="Create your account"/>
        <AuthLayout
            title="Create your account"
            lead=|| view! { "Been here before? " <Link href=paths::SIGN_IN>"Sign in"</Link> }
            aside=|| view! { <SignUpAside/> }
        >
            <Refused problem=form.problem.clone() fields=&["name", "email", "password"]/>
            <form method="post" action=paths::SIGN_UP>
                {next.map(|next| view! { <input type="hidden" name="next" value=next/> })}
                <Field id="name" label="Name" error=name_error>
                    <Input name="name" value=form.name.clone() autocomplete="name" required=true attr:maxlength=NAME_MAX.to_string()/>
                </Field>
                <Field id="email" label="Email" error=email_error>
                    <Input name="email" r#type="email" value=form.email.clone() placeholder="you@company.com" autocomplete="email" required=true/>
                </Field>
                <Field id="password" label="Password" help="12 characters or more. A short sentence is fine." error=password_error>
                    <Input name="password" r#type="password" autocomplete="new-password" required=true/>
                </Field>
                <Button submit=true kind=ButtonKind::Primary size=ButtonSize::Large wide=true>"Create account"</Button>
            </form>
        </AuthLayout>
    }
}
