//! What happens on the server, told to this tab: one `EventSource`, typed frames, no gaps.
//!
//! The stream is opened after the newest frame that the page knows and reopened where it broke off, by
//! the browser where it can and by us where it gives up. It is closed while the tab is long out of sight.
//! What a frame means is decided by those who listen.

use std::{cell::RefCell, fmt::Write, sync::Arc, time::Duration};

use contracts::StreamEvent;
use domain::ids::{ConversationId, RunId};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{EventSource, MessageEvent, VisibilityState};

use crate::{features::identity::api::get_me, news::News, session};

const ADDRESS: &str = "/api/v1/live";
/// A tab out of sight for this long gives its connection back.
const HIDDEN_FOR: Duration = Duration::from_mins(1);
/// A broken stream is mentioned only when it stays broken for this long.
const QUIET_FOR: Duration = Duration::from_millis(1500);
/// Pages without a conversation may wait; a page with one says so sooner.
const OPENING: Duration = Duration::from_millis(400);
/// A refused stream may mean that the session has ended: asked once after this many tries.
const ASK_AFTER: u32 = 3;

/// Whether news arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// As far as anybody knows.
    Fine,
    /// The stream broke and is being opened again.
    Reconnecting,
}

/// What the page at hand follows, besides the organization.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watch {
    /// A conversation, and the newest frame that is known of it.
    pub conversation: Option<(ConversationId, i64)>,
    /// Its run that has not ended, and the newest frame that is known of it.
    pub run: Option<(RunId, i64)>,
}

/// Hears what arrives.
type Hear = Arc<dyn Fn(&Arc<News>) + Send + Sync>;

/// The tab's stream, as pages see it.
#[derive(Clone, Copy)]
pub struct Live {
    connection: RwSignal<Connection>,
    listeners: StoredValue<Vec<(u32, Hear)>>,
    last_id: StoredValue<u32>,
}

/// The connection itself: one a tab, in the browser only.
#[derive(Default)]
struct Tab {
    source: Option<Source>,
    watch: Watch,
    /// Who asked for `watch`.
    watcher: u32,
    organization: Option<i64>,
    tries: u32,
    opening: Option<TimeoutHandle>,
    hiding: Option<TimeoutHandle>,
    mention: Option<TimeoutHandle>,
}

struct Source {
    stream: EventSource,
    _heard: [Closure<dyn FnMut(MessageEvent)>; 3],
}

impl Drop for Source {
    fn drop(&mut self) {
        self.stream.set_onopen(None);
        self.stream.set_onmessage(None);
        self.stream.set_onerror(None);
        self.stream.close();
    }
}

thread_local! {
    static TAB: RefCell<Tab> = RefCell::default();
}

impl Live {
    /// Makes the tab's stream known to all pages below; opens it once the page is alive.
    pub fn provide() -> Self {
        let live = Self { connection: RwSignal::new(Connection::Fine), listeners: StoredValue::default(), last_id: StoredValue::new(0) };
        provide_context(live);
        Effect::new(move |_| live.start());
        live
    }

    /// Whether news arrives.
    pub fn connection(&self) -> Signal<Connection> {
        self.connection.into()
    }

    /// Calls `hear` for everything that arrives, as long as the component at hand is there.
    pub fn listen(&self, hear: impl Fn(&Arc<News>) + Send + Sync + 'static) {
        let (listeners, id) = (self.listeners, self.fresh_id());
        listeners.update_value(|all| all.push((id, Arc::new(hear))));
        on_cleanup(move || {
            listeners.try_update_value(|all| all.retain(|(other, _)| *other != id));
        });
    }

    /// Follows a conversation from now on, until the component at hand goes or another watch begins. Browser only.
    pub fn watch(&self, watch: Watch) {
        let (live, watcher) = (*self, self.fresh_id());
        TAB.with_borrow_mut(|tab| {
            tab.watch = watch;
            tab.watcher = watcher;
        });
        live.open_after(Duration::ZERO);
        on_cleanup(move || {
            let mine = TAB.with_borrow_mut(|tab| {
                let mine = tab.watcher == watcher;
                if mine {
                    tab.watch = Watch::default();
                }
                mine
            });
            if mine {
                live.open_after(OPENING);
            }
        });
    }

    fn fresh_id(&self) -> u32 {
        self.last_id
            .try_update_value(|id| {
                *id += 1;
                *id
            })
            .unwrap_or_default()
    }

    fn tell(&self, news: News) {
        let news = Arc::new(news);
        for (_, hear) in self.listeners.try_get_value().unwrap_or_default() {
            hear(&news);
        }
    }

    fn start(self) {
        let hidden = || document().visibility_state() == VisibilityState::Hidden;
        let _ = window_event_listener(leptos::ev::visibilitychange, move |_| if hidden() { Self::rest_later() } else { self.wake() });
        let _ = window_event_listener(leptos::ev::online, move |_| self.open_after(Duration::ZERO));
        let _ = window_event_listener(leptos::ev::offline, move |_| self.lost());
        if !TAB.with_borrow(|tab| tab.source.is_some() || tab.opening.is_some()) {
            self.open_after(OPENING);
        }
    }

    fn rest_later() {
        let rest = set_timeout_with_handle(|| TAB.with_borrow_mut(|tab| tab.source = None), HIDDEN_FOR);
        replace(|tab| &mut tab.hiding, rest.ok());
    }

    fn wake(self) {
        replace(|tab| &mut tab.hiding, None);
        if TAB.with_borrow(|tab| tab.source.is_none()) {
            self.open_after(Duration::ZERO);
        }
    }

    /// Opens the stream anew, replacing the one that is there.
    fn open_after(self, delay: Duration) {
        replace(|tab| &mut tab.opening, set_timeout_with_handle(move || self.open(), delay).ok());
    }

    fn open(self) {
        let (address, blind) = TAB.with_borrow_mut(|tab| {
            tab.opening = None;
            tab.source = None;
            (address(tab), tab.organization.is_none())
        });
        let Ok(stream) = EventSource::new(&address) else {
            return self.refused();
        };
        let heard = [
            Closure::new(move |_| self.opened(blind)),
            Closure::new(move |event: MessageEvent| {
                if let Some(text) = event.data().as_string() {
                    self.hear(&text);
                }
            }),
            Closure::new(move |_| self.broke()),
        ];
        stream.set_onopen(Some(heard[0].as_ref().unchecked_ref()));
        stream.set_onmessage(Some(heard[1].as_ref().unchecked_ref()));
        stream.set_onerror(Some(heard[2].as_ref().unchecked_ref()));
        TAB.with_borrow_mut(|tab| tab.source = Some(Source { stream, _heard: heard }));
    }

    fn opened(self, blind: bool) {
        replace(|tab| &mut tab.mention, None);
        TAB.with_borrow_mut(|tab| tab.tries = 0);
        self.connection.set(Connection::Fine);
        if blind && TAB.with_borrow(|tab| tab.organization.is_none()) {
            self.tell(News::Opened);
        }
    }

    /// The browser tries again by itself unless it has closed the stream for good.
    fn broke(self) {
        self.lost();
        let closed = TAB.with_borrow(|tab| tab.source.as_ref().is_none_or(|source| source.stream.ready_state() == EventSource::CLOSED));
        if closed {
            self.refused();
        }
    }

    fn lost(self) {
        if TAB.with_borrow(|tab| tab.mention.is_some()) {
            return;
        }
        let mention = set_timeout_with_handle(move || self.connection.set(Connection::Reconnecting), QUIET_FOR);
        replace(|tab| &mut tab.mention, mention.ok());
    }

    fn refused(self) {
        let tries = TAB.with_borrow_mut(|tab| {
            tab.tries = tab.tries.saturating_add(1);
            tab.tries
        });
        if tries == ASK_AFTER {
            spawn_local(async move {
                if let Err(error) = get_me().await {
                    session::check(&error);
                }
            });
        }
        self.open_after(pause(tries));
    }

    fn hear(self, text: &str) {
        if let Some(news) = News::read(text) {
            TAB.with_borrow_mut(|tab| note(tab, &news));
            self.tell(news);
        }
    }
}

/// Remembers how far each stream has come, for the next time that the stream is opened.
fn note(tab: &mut Tab, news: &News) {
    match news {
        News::Organization(told) => tab.organization = Some(told.seq),
        News::Conversation(id, told) => {
            if let Some((_, after)) = tab.watch.conversation.as_mut().filter(|(watched, _)| watched == id) {
                *after = told.seq;
                if let Some(StreamEvent::RunQueued(queued)) = told.event() {
                    tab.watch.run = Some((queued.run_id, 0));
                }
            }
        }
        News::Run(id, told) => {
            if let Some((_, after)) = tab.watch.run.as_mut().filter(|(watched, _)| watched == id) {
                *after = told.seq;
                if told.event().is_some_and(StreamEvent::is_last) {
                    tab.watch.run = None;
                }
            }
        }
        News::Opened => {}
    }
}

fn address(tab: &Tab) -> String {
    let mut address = ADDRESS.to_owned();
    let mut glue = '?';
    let mut add = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a string cannot fail.
        let _ = write!(address, "{glue}{name}={value}");
        glue = '&';
    };
    if let Some((id, after)) = tab.watch.conversation {
        add("conversation", &id);
        add("after", &after);
    }
    if let Some((id, after)) = tab.watch.run {
        add("run", &id);
        add("run_after", &after);
    }
    if let Some(after) = tab.organization {
        add("organization_after", &after);
    }
    address
}

/// Half a second, then twice as long each time, at most 15 s; a little by chance, so that tabs do not come back in step.
fn pause(tries: u32) -> Duration {
    let longest = 500_u32.saturating_mul(1 << tries.saturating_sub(1).min(5)).min(15_000);
    Duration::from_millis((f64::from(longest) * (0.7 + 0.3 * js_sys::Math::random())) as u64)
}

/// Puts a timer in its place and stops the one that was there.
fn replace(place: fn(&mut Tab) -> &mut Option<TimeoutHandle>, timer: Option<TimeoutHandle>) {
    let old = TAB.with_borrow_mut(|tab| std::mem::replace(place(tab), timer));
    if let Some(old) = old {
        old.clear();
    }
}
