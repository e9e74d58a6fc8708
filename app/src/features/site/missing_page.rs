//! What every address leads to that is none.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    error::AppError,
    layout::{ErrorPage, NotFound, SiteLayout},
};

/// Nothing is here; or, when the edge has put a problem into the context, that problem.
#[component]
pub fn MissingPage() -> impl IntoView {
    let page = match use_context::<AppError>() {
        Some(AppError::Problem(problem)) if problem.status != 404 => {
            view! { <ErrorPage status=problem.status code=problem.code title=problem.title words=problem.detail request_id=problem.request_id/> }.into_any()
        }
        _ => view! { <NotFound/> }.into_any(),
    };
    view! {
        <Title text="Not here"/>
        <SiteLayout>{page}</SiteLayout>
    }
}
