//! Views of one thing, one at a time. Arrow keys move and select; only the selected tab is in the tab order.

use leptos::{ev, html, prelude::*};

use super::dom;

/// One tab.
#[derive(Clone, Debug)]
pub struct Tab {
    /// Its name.
    pub label: String,
    /// How many things are behind it, if that matters.
    pub count: Option<usize>,
}

fn tab_id(id: &str, index: usize) -> String {
    [id, "-tab-", &index.to_string()].concat()
}

fn panel_id(id: &str, index: usize) -> String {
    [id, "-panel-", &index.to_string()].concat()
}

/// The row of tabs. Give each a `TabPanel` with the same `id` and its index.
#[component]
pub fn Tabs(
    /// Unique in the page; the panels name it too.
    id: &'static str,
    /// What the tabs are views of.
    #[prop(into)]
    label: String,
    /// The tabs.
    tabs: Vec<Tab>,
    /// The index of the one in front.
    selected: RwSignal<usize>,
) -> impl IntoView {
    let list = NodeRef::<html::Div>::new();
    let last = tabs.len().saturating_sub(1);
    let walk = move |event: ev::KeyboardEvent| {
        let here = selected.get_untracked();
        let next = match event.key().as_str() {
            "ArrowRight" => {
                if here >= last {
                    0
                } else {
                    here + 1
                }
            }
            "ArrowLeft" => {
                if here == 0 {
                    last
                } else {
                    here - 1
                }
            }
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        event.prevent_default();
        selected.set(next);
        if let Some(tab) = list.get_untracked().and_then(|list| dom::all(&list, "[role=tab]").into_iter().nth(next)) {
            let _lost = tab.focus();
        }
    };
    let tab = move |(index, tab): (usize, Tab)| {
        view! {
            <button
                type="button" role="tab" class="tab" id=tab_id(id, index) aria-controls=panel_id(id, index)
                aria-selected=move || if selected.get() == index { "true" } else { "false" }
                tabindex=move || if selected.get() == index { "0" } else { "-1" }
                on:click=move |_| selected.set(index)
            >
                {tab.label}
                {tab.count.map(|count| view! { <span class="subtle num">{count}</span> })}
            </button>
        }
    };
    view! {
        <div class="tabs" role="tablist" aria-label=label node_ref=list on:keydown=walk>
            {tabs.into_iter().enumerate().map(tab).collect_view()}
        </div>
    }
}

/// What a tab shows.
#[component]
pub fn TabPanel(
    /// The id of the tabs.
    id: &'static str,
    /// Which tab it belongs to.
    index: usize,
    /// The index of the one in front.
    #[prop(into)]
    selected: Signal<usize>,
    /// The content.
    children: Children,
) -> impl IntoView {
    view! {
        <div
            class="tab-panel" role="tabpanel" tabindex="0" id=panel_id(id, index) aria-labelledby=tab_id(id, index)
            hidden=move || selected.get() != index
        >
            {children()}
        </div>
    }
}
