//! What a public form shows again after it was refused.
//!
//! The server's POST handlers put a [`FormState`] into the context when they render the page anew with status
//! 422. A password is never among the values.

use contracts::Problem;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    paths,
    ui::{Banner, BannerTone},
};

/// Which of the two is wrong is nobody's business: said above the form, not beside a field.
const WRONG_CREDENTIALS: &str = "wrong_credentials";

/// Values that were typed, and why they were refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormState {
    /// The name typed.
    pub name: String,
    /// The address typed.
    pub email: String,
    /// Where to go on afterwards: a path of this site.
    pub next: String,
    /// Why the form was refused.
    pub problem: Option<Problem>,
}

impl FormState {
    /// What to say beside one field.
    pub fn error(&self, field: &str) -> Option<String> {
        let errors = self.problem.as_ref().map(|problem| problem.errors.iter()).into_iter().flatten();
        errors.filter(|error| error.code != WRONG_CREDENTIALS).find(|error| error.field == field).map(|error| error.message.clone())
    }
}

/// Where to go on after the form: as the refused form said, else as the address says; never to another site.
pub fn next(form: &FormState) -> Option<String> {
    let asked = if form.next.is_empty() { use_query_map().with_untracked(|query| query.get("next")) } else { Some(form.next.clone()) };
    asked.filter(|next| paths::local(next).is_some())
}

/// Why the form was refused, above it: in full, unless the fields say it themselves.
#[component]
pub fn Refused(
    /// Why.
    problem: Option<Problem>,
    /// The fields that speak for themselves.
    fields: &'static [&'static str],
) -> impl IntoView {
    problem.map(|problem| {
        if problem.errors.iter().any(|error| error.code == WRONG_CREDENTIALS) {
            return view! { <Banner tone=BannerTone::Bad><b>"Email or password is wrong."</b>" We do not say which."</Banner> }.into_any();
        }
        let spoken = problem.errors.iter().filter(|error| fields.contains(&error.field.as_str())).count();
        let words = match (spoken, problem.errors.len()) {
            (1, 1) => view! { <b>"One field needs another look."</b> }.into_any(),
            (spoken, all) if spoken == all && all > 1 => view! { <b>"Some fields need another look."</b> }.into_any(),
            _ => view! { <b>{problem.title}". "</b>{problem.detail} }.into_any(),
        };
        view! { <Banner tone=BannerTone::Bad>{words}</Banner> }.into_any()
    })
}
