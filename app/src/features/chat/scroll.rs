//! Who moves the transcript: this controller while the reader stays at its end, the reader otherwise.
//!
//! Every scroll event is told apart by position: what we wrote is ours, anything else is the reader's. A
//! deliberate move up lets go; coming back to the end holds on again. A message just sent stands near the top, with
//! room below it in which the answer can grow without moving anything.

use leptos::{ev, html, prelude::*};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{HtmlElement, ResizeObserver};

use crate::ui::{Glyph, Icon};

/// Moving up by more than this, in pixels, is deliberate.
const DELIBERATE: f64 = 3.0;
/// The same for a finger.
const FINGER: f64 = 10.0;
/// Closer to the end than this counts as being there.
const NEAR: f64 = 60.0;
/// Farther than this the way back is offered.
const FAR: f64 = 200.0;
/// How far below the top a message that was just sent stands.
const HEADROOM: f64 = 50.0;
/// The glide to the end covers 63 % of the way in this many milliseconds.
const GLIDE: f64 = 80.0;

/// The transcript's scroll position.
#[derive(Clone, Copy)]
pub struct Scroll {
    /// The element that scrolls.
    pub frame: NodeRef<html::Div>,
    /// What it shows; watched for growth.
    pub content: NodeRef<html::Div>,
    /// The room below.
    pub spacer: NodeRef<html::Div>,
    far: RwSignal<bool>,
    state: StoredValue<State>,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// We keep the end in sight.
    held: bool,
    /// The position that we wrote last.
    written: f64,
    /// The last position seen.
    seen: f64,
    /// How far the reader has moved up since they were at the end.
    up: f64,
    /// Where the finger went down.
    finger: Option<f64>,
    /// A glide is under way, since this time stamp.
    gliding: Option<f64>,
    /// Room is kept for an answer to the last message.
    roomy: bool,
}

impl Scroll {
    /// A position that starts at the end.
    pub fn new() -> Self {
        let scroll = Self {
            frame: NodeRef::new(),
            content: NodeRef::new(),
            spacer: NodeRef::new(),
            far: RwSignal::new(false),
            state: StoredValue::new(State { held: true, ..State::default() }),
        };
        Effect::new(move |_| scroll.attach());
        scroll
    }

    /// The reader has sent something: it goes near the top, and we hold on.
    pub fn sent(self) {
        self.change(|state| {
            state.held = true;
            state.roomy = true;
            state.up = 0.0;
        });
        request_animation_frame(move || {
            self.make_room();
            self.glide();
        });
    }

    /// Goes to the end and stays there.
    pub fn to_end(self) {
        self.change(|state| {
            state.held = true;
            state.up = 0.0;
        });
        self.glide();
    }

    fn change<T>(self, change: impl FnOnce(&mut State) -> T) -> Option<T> {
        self.state.try_update_value(change)
    }

    fn state(self) -> State {
        self.state.try_get_value().unwrap_or_default()
    }

    /// Begins at the end, then follows every change of size.
    fn attach(self) {
        let (Some(frame), Some(content)) = (self.frame.get(), self.content.get()) else { return };
        self.write(&frame, end(&frame));
        let grown = Closure::<dyn FnMut()>::new(move || self.grown());
        let Ok(observer) = ResizeObserver::new(grown.as_ref().unchecked_ref()) else { return };
        observer.observe(&frame);
        observer.observe(&content);
        let kept = StoredValue::new_local((observer, grown));
        on_cleanup(move || kept.with_value(|(observer, _)| observer.disconnect()));
    }

    fn grown(self) {
        self.make_room();
        let Some(frame) = self.frame.get_untracked() else { return };
        if self.state().held {
            self.glide();
        }
        self.look(&frame);
    }

    /// What is left below the message sent last, so that it can stand near the top.
    fn make_room(self) {
        let (Some(frame), Some(content), Some(spacer)) = (self.frame.get_untracked(), self.content.get_untracked(), self.spacer.get_untracked()) else {
            return;
        };
        if !self.state().roomy {
            return;
        }
        let Some(sent) = content.query_selector("article.u:nth-last-child(-n+2)").ok().flatten() else { return };
        let below = content.get_bounding_client_rect().bottom() - sent.get_bounding_client_rect().top();
        let room = (f64::from(frame.client_height()) - HEADROOM - below).max(0.0);
        if room < 1.0 {
            self.change(|state| state.roomy = false);
        }
        let _unchanged = style(&spacer).set_property("height", &[room.round().to_string().as_str(), "px"].concat());
    }

    fn write(self, frame: &HtmlElement, position: f64) {
        let position = position.round();
        self.change(|state| {
            state.written = position;
            state.seen = position;
        });
        frame.set_scroll_top(position as i32);
    }

    /// Moves to the end: at once where motion is not wanted or there is little to move, else in a few frames.
    fn glide(self) {
        let Some(frame) = self.frame.get_untracked() else { return };
        let away = end(&frame) - f64::from(frame.scroll_top());
        if away.abs() < 1.0 {
            return;
        }
        if still() || away > 4.0 * f64::from(frame.client_height()) {
            return self.write(&frame, end(&frame));
        }
        let idle = self.change(|state| state.gliding.replace(now()).is_none()).unwrap_or(false);
        if idle {
            request_animation_frame(move || self.step());
        }
    }

    fn step(self) {
        let (Some(frame), State { held: true, gliding: Some(since), .. }) = (self.frame.try_get_untracked().flatten(), self.state()) else {
            self.change(|state| state.gliding = None);
            return;
        };
        let (now, here, end) = (now(), f64::from(frame.scroll_top()), end(&frame));
        let way = (end - here) * (1.0 - (-(now - since).max(8.0) / GLIDE).exp());
        let arrived = (end - here).abs() < 2.0;
        self.write(&frame, if arrived { end } else { here + way.abs().max(1.0).copysign(way) });
        self.change(|state| state.gliding = (!arrived).then_some(now));
        if !arrived {
            request_animation_frame(move || self.step());
        }
    }

    /// Something scrolled: we, or the reader.
    fn scrolled(self) {
        let Some(frame) = self.frame.get_untracked() else { return };
        let here = f64::from(frame.scroll_top());
        let near = end(&frame) - here < NEAR;
        self.change(|state| {
            let ours = (here - state.written).abs() <= 2.0;
            let moved = here - std::mem::replace(&mut state.seen, here);
            if ours {
                return;
            }
            state.up = if moved < 0.0 { state.up - moved } else { 0.0 };
            if moved < 0.0 && state.up > DELIBERATE {
                state.held = false;
            } else if moved > 0.0 && near {
                state.held = true;
            }
        });
        self.look(&frame);
    }

    fn let_go(self) {
        self.change(|state| state.held = false);
    }

    fn wheel(self, event: &ev::WheelEvent) {
        if event.delta_y() < -DELIBERATE {
            self.let_go();
        }
    }

    fn touched(self, event: &ev::TouchEvent) {
        let at = event.touches().get(0).map(|touch| f64::from(touch.client_y()));
        self.change(|state| state.finger = at);
    }

    fn dragged(self, event: &ev::TouchEvent) {
        let at = event.touches().get(0).map(|touch| f64::from(touch.client_y()));
        if let (Some(from), Some(at)) = (self.state().finger, at)
            && at - from > FINGER
        {
            self.let_go();
        }
    }

    /// Offers the way back when it is far, until it is near.
    fn look(self, frame: &HtmlElement) {
        let away = end(frame) - f64::from(frame.scroll_top());
        let far = self.far.get_untracked();
        let now = if far { away > NEAR } else { away > FAR && !self.state().held };
        if now != far {
            self.far.set(now);
        }
    }
}

/// The scrolling frame around a transcript.
#[component]
pub fn ScrollFrame(
    /// Its position.
    scroll: Scroll,
    /// The transcript.
    children: Children,
) -> impl IntoView {
    view! {
        <div
            class="scroll" tabindex="0" node_ref=scroll.frame
            on:scroll=move |_| scroll.scrolled()
            on:wheel=move |event| scroll.wheel(&event)
            on:touchstart=move |event| scroll.touched(&event)
            on:touchmove=move |event| scroll.dragged(&event)
        >
            {children()}
            <div node_ref=scroll.spacer aria-hidden="true"></div>
        </div>
    }
}

/// The way back to the end.
#[component]
pub fn Latest(
    /// The position.
    scroll: Scroll,
) -> impl IntoView {
    view! {
        <button type="button" class="latest" hidden=move || !scroll.far.get() on:click=move |_| scroll.to_end()>
            <Icon of=Glyph::ArrowDown size=14/>
            "Latest"
        </button>
    }
}

fn end(frame: &HtmlElement) -> f64 {
    f64::from((frame.scroll_height() - frame.client_height()).max(0))
}

fn style(element: &HtmlElement) -> web_sys::CssStyleDeclaration {
    element.style()
}

fn now() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}

/// Whether the reader wants no motion.
fn still() -> bool {
    window().match_media("(prefers-reduced-motion: reduce)").ok().flatten().is_some_and(|query| query.matches())
}
