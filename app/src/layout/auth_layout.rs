//! The split page of signing in and up: the form, and beside it on wide screens something worth reading.

use leptos::prelude::*;

use super::site_layout::SiteLayout;

/// The form on the left; `aside` on the right from 1024 pixels.
#[component]
pub fn AuthLayout(
    /// The page's heading.
    #[prop(into)]
    title: String,
    /// The line under it, usually the way to the other form.
    #[prop(into)]
    lead: ViewFn,
    /// What stands beside the form.
    #[prop(into)]
    aside: ViewFn,
    /// The form.
    children: Children,
) -> impl IntoView {
    view! {
        <SiteLayout>
            <div class="auth">
                <div class="auth-l">
                    <div class="auth-f">
                        <div><h1>{title}</h1><p>{lead.run()}</p></div>
                        {children()}
                    </div>
                </div>
                <aside class="auth-r">{aside.run()}</aside>
            </div>
        </SiteLayout>
    }
}
