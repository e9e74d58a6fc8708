//! What a page of the workspace shows instead of itself.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::{
    error::AppError,
    layout::{ErrorPage, NotFound, PageHeader},
    session,
};

/// A page that could not be shown. A session that has ended leads to the sign-in page.
#[component]
pub fn Failure(
    /// Why.
    error: AppError,
) -> impl IntoView {
    Effect::new({
        let error = error.clone();
        move |_| session::check(&error)
    });
    let page = match &error {
        AppError::Problem(problem) if problem.status == 404 => view! { <NotFound/> }.into_any(),
        AppError::Problem(problem) => {
            let request_id = Some(problem.request_id.clone()).filter(|id| !id.is_empty());
            view! { <ErrorPage status=problem.status code=problem.code.clone() title=problem.title.clone() words=problem.detail.clone() request_id=request_id.unwrap_or_default()/> }.into_any()
        }
        AppError::Transport(_) => view! { <ErrorPage status=503 code="offline" title=error.title() words=error.detail()/> }.into_any(),
    };
    let title = error.title();
    view! {
        <Title text=title/>
        <PageHeader title="" plain=true/>
        {page}
    }
}
