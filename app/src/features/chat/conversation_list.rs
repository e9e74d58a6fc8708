//! The conversations of the sidebar, by age: open, rename, delete with a way back.
//!
//! Loaded once with the page, then kept up to date by what the stream tells. Server and browser agree on
//! "today" at first (the server's present, UTC); then the browser's own calendar takes over.

use std::time::Duration;

use contracts::{StreamEvent, chat::ConversationView};
use domain::{Timestamp, ids::ConversationId};
use leptos::{prelude::*, task::spawn_local};

use super::{
    api::{Listed, list_conversations},
    conversation_row::ConversationRow,
};
use crate::{
    live::Live,
    loaded::Loaded,
    news::News,
    paths, session,
    ui::{Glyph, LoadMore, PaletteItem, Skeleton},
};

const DAY: i64 = 86_400;
/// News comes in bunches; the list is asked for once a bunch.
const BUNCH: Duration = Duration::from_millis(150);

/// The conversation list, for the sidebar, the palette and the pages.
#[derive(Clone, Copy)]
pub struct Conversations {
    first: Loaded<Listed>,
    shown: RwSignal<Vec<ConversationView>>,
    next: RwSignal<Option<String>>,
    calendar: RwSignal<Calendar>,
    asking: StoredValue<bool>,
    started: StoredValue<Option<ConversationId>>,
}

/// By which day "today" is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Calendar {
    now: Timestamp,
    /// Seconds to add to UTC.
    offset: i64,
}

/// How long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Today,
    Yesterday,
    Week,
    Older,
}

/// One line of the list.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Line {
    Heading(&'static str),
    Row(ConversationId),
}

impl Conversations {
    /// Makes the list known to all pages below.
    pub fn provide() -> Self {
        let list = Self {
            first: Loaded::new(String::new, |_| list_conversations(None)),
            shown: RwSignal::new(Vec::new()),
            next: RwSignal::new(None),
            calendar: RwSignal::new(Calendar { now: Timestamp::default(), offset: 0 }),
            asking: StoredValue::new(false),
            started: StoredValue::new(None),
        };
        provide_context(list);
        expect_context::<Live>().listen(move |news| list.hear(news));
        list
    }

    /// The list, newest first.
    pub fn shown(self) -> Signal<Vec<ConversationView>> {
        self.shown.into()
    }

    /// One conversation, by what the list knows of it.
    pub fn one<T>(self, id: ConversationId, of: fn(&ConversationView) -> T) -> Option<T> {
        self.shown.with(|shown| shown.iter().find(|one| one.id == id).map(of))
    }

    /// Items for the palette.
    pub fn palette(self) -> Signal<Vec<PaletteItem>> {
        let item =
            |one: &ConversationView| PaletteItem { group: "Conversations", ..PaletteItem::go(one.title.clone(), Glyph::Chat, paths::conversation(one.id)) };
        Signal::derive(move || self.shown.with(|shown| shown.iter().map(item).collect()))
    }

    /// A conversation was started in this tab: its page goes on where the person was writing.
    pub fn started(self, id: ConversationId) {
        self.started.set_value(Some(id));
        self.ask();
    }

    /// Whether this conversation was started in this tab just now; told once.
    pub fn has_started(self, id: ConversationId) -> bool {
        self.started.try_update_value(|started| started.take_if(|started| *started == id).is_some()).unwrap_or(false)
    }

    /// Shows another title at once.
    pub fn retitle(self, id: ConversationId, title: &str) {
        self.change(id, |one| title.clone_into(&mut one.title));
    }

    /// Takes a conversation off the list at once.
    pub fn remove(self, id: ConversationId) {
        self.shown.update(|shown| shown.retain(|one| one.id != id));
    }

    /// Asks for the newest conversations, a moment from now.
    pub fn ask(self) {
        if self.asking.try_get_value().unwrap_or(true) {
            return;
        }
        self.asking.set_value(true);
        set_timeout(
            move || {
                spawn_local(async move {
                    self.asking.try_update_value(|asking| *asking = false);
                    match list_conversations(None).await {
                        Ok(listed) => self.renew(listed),
                        Err(error) => session::check(&error),
                    }
                });
            },
            BUNCH,
        );
    }

    fn change(self, id: ConversationId, change: impl FnOnce(&mut ConversationView)) {
        self.shown.update(|shown| {
            if let Some(one) = shown.iter_mut().find(|one| one.id == id) {
                change(one);
            }
        });
    }

    fn begin(self, listed: Listed) {
        self.calendar.set(Calendar { now: listed.now, offset: 0 });
        self.next.set(listed.page.next_cursor);
        self.shown.set(listed.page.items);
    }

    /// The first page anew; what was shown of later pages stays below.
    fn renew(self, listed: Listed) {
        self.local();
        let fresh = listed.page.items;
        let oldest = fresh.last().map(|one| one.updated_at).filter(|_| listed.page.next_cursor.is_some());
        self.shown.update(|shown| {
            shown.retain(|one| oldest.is_some_and(|oldest| one.updated_at < oldest) && !fresh.iter().any(|other| other.id == one.id));
            if shown.is_empty() {
                self.next.set(listed.page.next_cursor);
            }
            shown.splice(0..0, fresh);
        });
    }

    fn more(self, pending: RwSignal<bool>) {
        let Some(cursor) = self.next.get_untracked().filter(|_| !pending.get_untracked()) else { return };
        pending.set(true);
        spawn_local(async move {
            match list_conversations(Some(cursor)).await {
                Ok(listed) => {
                    self.next.set(listed.page.next_cursor);
                    self.shown.update(|shown| {
                        let fresh: Vec<_> = listed.page.items.into_iter().filter(|one| !shown.iter().any(|other| other.id == one.id)).collect();
                        shown.extend(fresh);
                    });
                }
                Err(error) => session::check(&error),
            }
            pending.set(false);
        });
    }

    fn hear(self, news: &News) {
        match news {
            News::Opened | News::Organization(_) => self.ask(),
            News::Conversation(id, told) => match told.event() {
                Some(StreamEvent::ConversationRenamed(renamed)) => self.retitle(*id, &renamed.title),
                Some(StreamEvent::RunQueued(queued)) => self.change(*id, |one| one.active_run = Some(queued.run_id)),
                Some(StreamEvent::RunEnded(_)) => self.change(*id, |one| one.active_run = None),
                _ => {}
            },
            News::Run(..) => {}
        }
    }

    /// From now on by the calendar of this browser.
    fn local(self) {
        let date = js_sys::Date::new_0();
        let calendar = Calendar { now: Timestamp::from_micros((date.get_time() * 1000.0) as i64), offset: (-60.0 * date.get_timezone_offset()) as i64 };
        self.calendar.set(calendar);
    }

    /// The list with its headings.
    fn lines(self) -> Vec<Line> {
        let calendar = self.calendar.get();
        let mut lines = Vec::new();
        let mut last = None;
        self.shown.with(|shown| {
            for one in shown {
                let age = calendar.age(one.updated_at);
                if last.replace(age) != Some(age) {
                    lines.push(Line::Heading(age.words()));
                }
                lines.push(Line::Row(one.id));
            }
        });
        lines
    }
}

impl Calendar {
    fn day(self, at: Timestamp) -> i64 {
        (at.micros().div_euclid(1_000_000) + self.offset).div_euclid(DAY)
    }

    fn age(self, at: Timestamp) -> Age {
        match self.day(self.now) - self.day(at) {
            ..=0 => Age::Today,
            1 => Age::Yesterday,
            2..=7 => Age::Week,
            _ => Age::Older,
        }
    }
}

impl Age {
    fn words(self) -> &'static str {
        match self {
            Self::Today => "Today",
            Self::Yesterday => "Yesterday",
            Self::Week => "Last 7 days",
            Self::Older => "Older",
        }
    }
}

/// The list in the sidebar.
#[component]
pub fn ConversationList() -> impl IntoView {
    let list = expect_context::<Conversations>();
    view! {
        <Suspense fallback=|| view! { <Skeleton lines=6 rows=true/> }>
            {move || Suspend::new(async move {
                match list.first.get().await {
                    Ok(listed) => {
                        list.begin(listed);
                        view! { <Lines/> }.into_any()
                    }
                    Err(error) => {
                        Effect::new({
                            let error = error.clone();
                            move |_| session::check(&error)
                        });
                        view! { <p class="help">{error.detail()}</p> }.into_any()
                    }
                }
            })}
        </Suspense>
    }
}

#[component]
fn Lines() -> impl IntoView {
    let list = expect_context::<Conversations>();
    Effect::new(move |_| list.local());
    let pending = RwSignal::new(false);
    let more = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        list.more(pending);
    };
    view! {
        <For each=move || list.lines() key=|line| *line let:line>
            {match line {
                Line::Heading(words) => view! { <h2 class="side-h">{words}</h2> }.into_any(),
                Line::Row(id) => view! { <ConversationRow id=id/> }.into_any(),
            }}
        </For>
        <Show when=move || list.shown.with(Vec::is_empty)>
            <p class="help">"What you talk about with agents is listed here."</p>
        </Show>
        <Show when=move || list.next.with(Option::is_some)>
            <LoadMore href=paths::CHAT pending=pending on:click=more/>
        </Show>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_follow_the_calendar_of_the_reader() {
        let at = |hours: i64| Timestamp::from_micros(hours * 3_600 * 1_000_000);
        let utc = Calendar { now: at(240 + 1), offset: 0 };
        assert_eq!(utc.age(at(240)), Age::Today);
        assert_eq!(utc.age(at(239)), Age::Yesterday);
        assert_eq!(utc.age(at(240 - 7 * 24)), Age::Week);
        assert_eq!(utc.age(at(239 - 7 * 24)), Age::Older);
        assert_eq!(utc.age(at(999)), Age::Today, "a clock that runs ahead");
        let west = Calendar { offset: -2 * 3_600, ..utc };
        assert_eq!(west.age(at(239)), Age::Today);
    }
}
