//! The command palette: a dialog with a combobox. Callers give the items; typing filters, arrow keys choose,
//! Enter runs. Focus stays in the text box and returns to the opener at the end.

use leptos::{ev, html, prelude::*};
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

/// The palette; `open` shows it.
#[component]
pub fn CommandPalette(
    /// Shown.
    open: RwSignal<bool>,
    /// What can be chosen.
    #[prop(into)]
    items: Signal<Vec<PaletteItem>>,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let here = RwSignal::new(0_usize);
    let input = NodeRef::<html::Input>::new();
    let navigate = StoredValue::new_local(use_navigate());
    // Places in `items` of what answers to the typed words.
    let found = Memo::new(move |_| {
        let typed = typed.get().to_lowercase();
        items.with(|items| items.iter().enumerate().filter(|(_, item)| item.answers(&typed)).map(|(place, _)| place).collect::<Vec<_>>())
    });
    Effect::new(move || {
        if open.get() {
            typed.set(String::new());
            here.set(0);
        }
    });
    let run = move |place: usize| {
        let Some(item) = items.with_untracked(|items| items.get(place).cloned()) else { return };
        open.set(false);
        match item.run {
            PaletteRun::Go(href) => navigate.with_value(|navigate| navigate(&href, NavigateOptions::default())),
            PaletteRun::Do(action) => action.run(()),
        }
    };
    let walk = move |event: ev::KeyboardEvent| {
        let last = found.with_untracked(Vec::len).saturating_sub(1);
        let at = here.get_untracked().min(last);
        let next = match event.key().as_str() {
            "ArrowDown" => {
                if at == last {
                    0
                } else {
                    at + 1
                }
            }
            "ArrowUp" => {
                if at == 0 {
                    last
                } else {
                    at - 1
                }
            }
            "PageDown" => (at + 8).min(last),
            "PageUp" => at.saturating_sub(8),
            "Enter" if !event.is_composing() => {
                event.prevent_default();
                if let Some(place) = found.with_untracked(|found| found.get(at).copied()) {
                    run(place);
                }
                return;
            }
            _ => return,
        };
        event.prevent_default();
        here.set(next);
        if let Some(option) = dom::find(&["#", &option_id(next)].concat()) {
            show(&option);
        }
    };
    let typing = move |event: ev::Event| {
        typed.set(event_target_value(&event));
        here.set(0);
    };
    let active = move || found.with(|found| (!found.is_empty()).then(|| option_id(here.get().min(found.len() - 1))));
    view! {
        <dialog
            id="palette" class="dialog palette" aria-label="Command palette"
            node_ref=modal(open) on:close=move |_| open.set(false) on:pointerdown=away(open)
        >
            <div class="pal-i">
                <Icon of=Glyph::Search size=20 class="subtle"/>
                <input
                    node_ref=input type="text" role="combobox" aria-label="Search or do" aria-expanded="true" aria-controls="palette-list"
                    aria-autocomplete="list" aria-activedescendant=active autocomplete="off" spellcheck="false" autofocus=true
                    placeholder="Search or do" prop:value=move || typed.get() on:input=typing on:keydown=walk
                />
                <Kbd keys="esc"/>
            </div>
            <div class="pal-s" role="listbox" id="palette-list" aria-label="Results">
                {move || open.get().then(|| found.with(|found| options(items, found, here, run)))}
            </div>
            <div class="sr-only" role="status">
                {move || open.get().then(|| match found.with(Vec::len) {
                    0 => "Nothing found".to_owned(),
                    count => [count.to_string().as_str(), " results"].concat(),
                })}
            </div>
            <div class="pal-f" aria-hidden="true">
                <span><Kbd keys="↑"/><Kbd keys="↓"/>" move"</span>
                <span><Kbd keys="↵"/>" choose"</span>
                <span><Kbd keys="?"/>" all keys"</span>
            </div>
        </dialog>
    }
}

/// The list: a heading wherever the group changes.
fn options(items: Signal<Vec<PaletteItem>>, found: &[usize], here: RwSignal<usize>, run: impl Fn(usize) + Copy + Send + Sync + 'static) -> AnyView {
    if found.is_empty() {
        return view! { <p class="pal-n" role="presentation">"Nothing answers to these words."</p> }.into_any();
    }
    let mut group = "";
    items.with_untracked(|items| {
        found
            .iter()
            .enumerate()
            .filter_map(|(index, place)| items.get(*place).map(|item| (index, *place, item.clone())))
            .map(|(index, place, item)| {
                let heading = (item.group != group).then(|| view! { <div class="pal-h" role="presentation">{item.group}</div> });
                group = item.group;
                view! {
                    {heading}
                    <div
                        class="pal-o" role="option" id=option_id(index)
                        aria-selected=move || if here.get() == index { "true" } else { "false" }
                        on:pointermove=move |_| if here.get_untracked() != index { here.set(index) }
                        on:click=move |_| run(place)
                    >
                        <Icon of=item.icon/>
                        <span class="l">{item.label}</span>
                        <span class="c">{item.context}</span>
                        <span class="kbds">{item.keys.iter().map(|keys| view! { <Kbd keys=*keys/> }).collect_view()}</span>
                    </div>
                }
            })
            .collect_view()
            .into_any()
    })
}

/// Scrolls the list just enough to show the option.
fn show(option: &web_sys::HtmlElement) {
    let how = web_sys::ScrollIntoViewOptions::new();
    how.set_block(web_sys::ScrollLogicalPosition::Nearest);
    option.scroll_into_view_with_scroll_into_view_options(&how);
}
