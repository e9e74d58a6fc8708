//! Where this page is.

use leptos::{either::Either, prelude::*};

/// One step of the way; the last one is here and has no address.
#[derive(Clone, Debug)]
pub struct Crumb {
    /// Its name.
    pub name: String,
    /// Its address; none for the page itself.
    pub href: Option<String>,
}

/// The way from the top to this page.
#[component]
pub fn Breadcrumb(
    /// The steps, the page itself last.
    way: Vec<Crumb>,
) -> impl IntoView {
    let step = |crumb: Crumb| match crumb.href {
        Some(href) => Either::Left(view! { <li><a href=href>{crumb.name}</a></li> }),
        None => Either::Right(view! { <li><span aria-current="page">{crumb.name}</span></li> }),
    };
    view! { <nav class="crumb" aria-label="Breadcrumb"><ol>{way.into_iter().map(step).collect_view()}</ol></nav> }
}
