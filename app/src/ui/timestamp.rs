//! Moments in time: a stable absolute form from the server, the reader's own words after hydration.
//!
//! The first render is the same on both sides; an effect then replaces it, so hydration never disagrees.

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsValue;

/// How a moment is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeForm {
    /// "2 min ago", later a date.
    #[default]
    Ago,
    /// "09:12", in the reader's time zone.
    Clock,
}

/// The present minute, shared by all timestamps of the page so that one interval serves them.
#[derive(Clone, Copy)]
pub struct Clock(RwSignal<Option<f64>>);

/// Makes the clock; the workspace layout does it once.
pub fn provide_clock() {
    let now = RwSignal::new(None);
    provide_context(Clock(now));
    Effect::new(move || {
        now.set(Some(js_sys::Date::now()));
        if let Ok(interval) = set_interval_with_handle(move || now.set(Some(js_sys::Date::now())), Duration::from_secs(30)) {
            on_cleanup(move || interval.clear());
        }
    });
}

/// A moment, with the exact one on hover.
#[component]
pub fn Timestamp(
    /// RFC 3339, in UTC.
    #[prop(into)]
    at: String,
    /// How it is told.
    #[prop(optional)]
    form: TimeForm,
) -> impl IntoView {
    let now = use_context::<Clock>().map_or_else(
        || {
            let now = RwSignal::new(None);
            Effect::new(move || now.set(Some(js_sys::Date::now())));
            now
        },
        |clock| clock.0,
    );
    // What comes alive after the clock has begun still starts with the server's words.
    let drawn = RwSignal::new(false);
    Effect::new(move || drawn.set(true));
    let told = {
        let at = at.clone();
        Memo::new(move |_| match now.get().filter(|_| drawn.get()) {
            Some(now) => told(&at, now, form),
            None => absolute(&at, form),
        })
    };
    let exact = {
        let at = at.clone();
        move || if drawn.get() && now.with(Option::is_some) { local(&at) } else { absolute(&at, TimeForm::Ago) }
    };
    view! { <time datetime=at title=exact>{move || told.get()}</time> }
}

/// What the server says: cut out of the text, so that nothing has to be parsed there.
fn absolute(at: &str, form: TimeForm) -> String {
    let (day, clock) = (at.get(..10).unwrap_or(at), at.get(11..16).unwrap_or_default());
    match form {
        TimeForm::Ago => [day, " ", clock, " UTC"].concat(),
        TimeForm::Clock => [clock, " UTC"].concat(),
    }
}

fn date(at: &str) -> js_sys::Date {
    js_sys::Date::new(&JsValue::from_str(at))
}

/// "Fri Nov 20 2026 09:12", in the reader's time zone.
fn local(at: &str) -> String {
    let text = String::from(date(at).to_string());
    text.get(..21).unwrap_or(&text).to_owned()
}

fn told(at: &str, now: f64, form: TimeForm) -> String {
    let then = date(at);
    if form == TimeForm::Clock {
        return local(at).get(16..21).unwrap_or_default().to_owned();
    }
    ago((now - then.get_time()) / 60_000.0).unwrap_or_else(|| local(at).get(4..15).unwrap_or_default().to_owned())
}

/// Up to a week in words, by minutes passed; none beyond.
fn ago(minutes: f64) -> Option<String> {
    let minutes = minutes.max(0.0) as u32;
    Some(match minutes {
        0 => "now".to_owned(),
        1..60 => [minutes.to_string().as_str(), " min ago"].concat(),
        60..1_440 => [(minutes / 60).to_string().as_str(), " h ago"].concat(),
        1_440..2_880 => "yesterday".to_owned(),
        2_880..10_080 => [(minutes / 1_440).to_string().as_str(), " days ago"].concat(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{TimeForm, absolute, ago};

    #[test]
    fn the_server_tells_the_exact_moment() {
        assert_eq!(absolute("2026-11-20T09:12:33.5Z", TimeForm::Ago), "2026-11-20 09:12 UTC");
        assert_eq!(absolute("2026-11-20T09:12:33.5Z", TimeForm::Clock), "09:12 UTC");
        assert_eq!(absolute("odd", TimeForm::Ago), "odd  UTC");
    }

    #[test]
    fn the_reader_is_told_how_long_ago() {
        let told = |minutes: f64| ago(minutes).unwrap_or_default();
        assert_eq!(told(-3.0), "now");
        assert_eq!(told(0.9), "now");
        assert_eq!(told(2.5), "2 min ago");
        assert_eq!(told(61.0), "1 h ago");
        assert_eq!(told(1_500.0), "yesterday");
        assert_eq!(told(5_000.0), "3 days ago");
        assert_eq!(ago(20_000.0), None);
    }
}
