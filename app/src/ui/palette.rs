//! The command palette: a dialog with a combobox. Callers give the items; typing filters, arrow keys choose,
//! Enter runs. Focus stays in the text box and returns to the opener at the end.

use leptos::{ev, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::{
    dialog::{away, modal},
    dom,
    icon::{Glyph, Icon},
    kbd::Kbd,
};

/// What choosing an item does.
#[derive(Clone)]
pub enum PaletteRun {
    /// Goes to a page of the workspace.
    Go(String),
    /// Does something here.
    Do(Callback<()>),
}

/// One thing that can be chosen.
#[derive(Clone)]
pub struct PaletteItem {
    /// The heading it stands under; items of one group come together.
    pub group: &'static str,
    /// What it is called.
    pub label: String,
    /// Smaller words beside; may be empty. They are searched too.
    pub context: String,
    /// Drawn before the words.
    pub icon: Glyph,
    /// The keys that do the same.
    pub keys: &'static [&'static str],
    /// What it does.
    pub run: PaletteRun,
}

impl PaletteItem {
    /// Goes to a page of the workspace.
    pub fn go(label: impl Into<String>, icon: Glyph, href: impl Into<String>) -> Self {
        Self { group: "Go to", label: label.into(), context: String::new(), icon, keys: &[], run: PaletteRun::Go(href.into()) }
    }

    /// Does something here.
    pub fn act(group: &'static str, label: impl Into<String>, icon: Glyph, run: impl Fn() + Send + Sync + 'static) -> Self {
        Self { group, label: label.into(), context: String::new(), icon, keys: &[], run: PaletteRun::Do(Callback::new(move |()| run())) }
    }

    /// Says which keys do the same.
    #[must_use]
    pub fn keys(mut self, keys: &'static [&'static str]) -> Self {
        self.keys = keys;
        self
    }

    /// Every word typed is somewhere in the label or beside it.
    fn answers(&self, typed: &str) -> bool {
        let text = [&self.label, " ", &self.context].concat().to_lowercase();
        typed.split_whitespace().all(|word| text.contains(word))
    }
}

fn option_id(place: usize) -> String {
    ["palette-", &place.to_string()].concat()
}

/// What is typed, found and under the cursor.
#[derive(Clone, Copy)]
struct Search {
    items: Signal<Vec<PaletteItem>>,
    typed: RwSignal<String>,
    /// Places in `items` of what answers to the typed words.
    found: Memo<Vec<usize>>,
    /// Place in `found` of the one that Enter runs.
    here: RwSignal<usize>,
}

impl Search {
    fn new(open: RwSignal<bool>, items: Signal<Vec<PaletteItem>>) -> Self {
        let typed = RwSignal::new(String::new());
        let here = RwSignal::new(0);
        let found = Memo::new(move |_| {
            let typed = typed.get().to_lowercase();
            items.with(|items| items.iter().enumerate().filter(|(_, item)| item.answers(&typed)).map(|(place, _)| place).collect())
        });
        Effect::new(move || {
            if open.get() {
                typed.set(String::new());
                here.set(0);
            }
        });
        Self { items, typed, found, here }
    }

    fn count(self) -> usize {
        self.found.with(Vec::len)
    }

    fn active_option(self) -> Option<String> {
        let count = self.count();
        (count > 0).then(|| option_id(self.here.get().min(count - 1)))
    }

    /// Where a key leads; none if the key is not ours.
    fn after(self, key: &str) -> Option<usize> {
        let last = self.found.with_untracked(Vec::len).saturating_sub(1);
        let at = self.here.get_untracked().min(last);
        Some(match key {
            "ArrowDown" if at == last => 0,
            "ArrowDown" => at + 1,
            "ArrowUp" if at == 0 => last,
            "ArrowUp" => at - 1,
            "PageDown" => (at + 8).min(last),
            "PageUp" => at.saturating_sub(8),
            _ => return None,
        })
    }

    fn chosen(self) -> Option<PaletteItem> {
        let place = self.found.with_untracked(|found| found.get(self.here.get_untracked()).copied())?;
        self.items.with_untracked(|items| items.get(place).cloned())
    }

    fn results(self) -> String {
        match self.count() {
            0 => "Nothing found".to_owned(),
            1 => "1 result".to_owned(),
            count => [count.to_string().as_str(), " results"].concat(),
        }
    }
}

/// The palette; `open` shows it.
#[component]
pub fn CommandPalette(
    /// Shown.
    open: RwSignal<bool>,
    /// What can be chosen.
    #[prop(into)]
    items: Signal<Vec<PaletteItem>>,
) -> impl IntoView {
    let search = Search::new(open, items);
    let navigate = StoredValue::new(use_navigate());
    let run = move || {
        let Some(item) = search.chosen() else { return };
        open.set(false);
        match item.run {
            PaletteRun::Go(href) => navigate.with_value(|navigate| navigate(&href, NavigateOptions::default())),
            PaletteRun::Do(action) => action.run(()),
        }
    };
    let key = move |event: ev::KeyboardEvent| {
        let key = event.key();
        if key == "Enter" && !event.is_composing() {
            run();
        } else if let Some(next) = search.after(&key) {
            search.here.set(next);
            show(next);
        } else {
            return;
        }
        event.prevent_default();
    };
    let clicked = move |event: ev::MouseEvent| {
        if dom::within(&event, "[role=option]") {
            run();
        }
    };
    let typing = move |event: ev::Event| {
        search.typed.set(event_target_value(&event));
        search.here.set(0);
    };
    view! {
        <dialog
            id="palette" class="dialog palette" aria-label="Command palette"
            node_ref=modal(open) on:close=move |_| open.set(false) on:pointerdown=away(open)
        >
            <div class="pal-i">
                <Icon of=Glyph::Search size=20 class="subtle"/>
                <input
                    type="text" role="combobox" aria-label="Search or do" aria-expanded="true" aria-controls="palette-list" aria-autocomplete="list"
                    aria-activedescendant=move || search.active_option() autocomplete="off" spellcheck="false" autofocus=true placeholder="Search or do"
                    prop:value=move || search.typed.get() on:input=typing on:keydown=key
                />
                <Kbd keys="esc"/>
            </div>
            <div class="pal-s" role="listbox" id="palette-list" aria-label="Results" on:click=clicked>
                {move || open.get().then(|| options(search))}
            </div>
            <div class="sr-only" role="status">{move || open.get().then(|| search.results())}</div>
            <div class="pal-f" aria-hidden="true">
                <span><Kbd keys="↑"/><Kbd keys="↓"/>" move"</span>
                <span><Kbd keys="↵"/>" choose"</span>
                <span><Kbd keys="esc"/>" close"</span>
            </div>
        </dialog>
    }
}

/// The list: a heading wherever the group changes. The pointer moves the cursor, a click runs what is under it.
fn options(search: Search) -> AnyView {
    let found = search.found.get();
    if found.is_empty() {
        return view! { <p class="pal-n" role="presentation">"Nothing answers to these words."</p> }.into_any();
    }
    let items = search.items.get_untracked();
    let mut group = "";
    found
        .into_iter()
        .filter_map(|place| items.get(place).cloned())
        .enumerate()
        .map(|(index, item)| {
            let heading = (item.group != group).then(|| view! { <div class="pal-h" role="presentation">{item.group}</div> });
            group = item.group;
            view! { {heading} <PaletteOption search=search index=index item=item/> }
        })
        .collect_view()
        .into_any()
}

#[component]
fn PaletteOption(search: Search, index: usize, item: PaletteItem) -> impl IntoView {
    let here = search.here;
    let point = move |_| {
        if here.get_untracked() != index {
            here.set(index);
        }
    };
    view! {
        <div
            class="pal-o" role="option" id=option_id(index)
            aria-selected=move || if here.get() == index { "true" } else { "false" }
            on:pointermove=point on:pointerdown=point
        >
            <Icon of=item.icon/>
            <span class="l">{item.label}</span>
            <span class="c">{item.context}</span>
            <span class="kbds">{item.keys.iter().map(|keys| view! { <Kbd keys=*keys/> }).collect_view()}</span>
        </div>
    }
}

/// Scrolls the list just enough to show the option.
fn show(index: usize) {
    let Some(option) = dom::find(&["#", &option_id(index)].concat()) else { return };
    let how = web_sys::ScrollIntoViewOptions::new();
    how.set_block(web_sys::ScrollLogicalPosition::Nearest);
    option.scroll_into_view_with_scroll_into_view_options(&how);
}
