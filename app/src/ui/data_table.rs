//! A table of facts. It scrolls inside its own frame on narrow screens.

use leptos::prelude::*;

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading; empty for a column of buttons, which then is named "Actions" for screen readers.
    pub name: &'static str,
    /// Holds numbers: aligned at the end, in tabular figures (give the cells the class `r`).
    pub numeric: bool,
}

impl Column {
    /// A column of words.
    pub const fn words(name: &'static str) -> Self {
        Self { name, numeric: false }
    }

    /// A column of numbers.
    pub const fn numbers(name: &'static str) -> Self {
        Self { name, numeric: true }
    }
}

/// Heading row from `columns`; children are the `<tr>`s.
#[component]
pub fn DataTable(
    /// What the table shows, for screen readers.
    #[prop(into)]
    label: String,
    /// The columns.
    columns: Vec<Column>,
    /// The rows.
    children: Children,
) -> impl IntoView {
    let heading = |column: Column| {
        let name = if column.name.is_empty() { view! { <span class="sr-only">"Actions"</span> }.into_any() } else { column.name.into_any() };
        view! { <th scope="col" class=column.numeric.then_some("r")>{name}</th> }
    };
    view! {
        <div class="tbl-s" role="region" tabindex="0" aria-label=label>
            <table class="tbl">
                <thead><tr>{columns.into_iter().map(heading).collect_view()}</tr></thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}
