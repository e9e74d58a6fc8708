//! One stream for one browser tab: its conversation, the run that answers in it, the organization's coarse facts.
//!
//! The `id` of a message says where the tab is in each of the streams, so that a browser which reconnects by itself
//! goes on exactly there. It means something to us only.

use std::{
    collections::VecDeque,
    fmt::{self, Write},
    str::FromStr,
};

use axum::{body::Bytes, extract::State, http::HeaderMap, response::Response};
use contracts::StreamEvent;
use domain::{
    Error, Result,
    ids::{ConversationId, RunId},
};
use serde::Deserialize;
use services::live::{LiveFrame, LiveReader, LiveRequest, LiveSource};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api::{
        extract::{Named, Params},
        sse::{self, Source},
    },
    http::{authenticate::Caller, problem::Answer},
    state::AppState,
};

/// Browsers wait for some seconds before they reconnect; a server that starts again is there sooner.
const OPENING: &[u8] = b"retry: 500\n\n";

/// The route.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(live))
}

/// What to follow, and from where.
#[derive(Deserialize, utoipa::IntoParams)]
struct Watch {
    /// A conversation.
    conversation: Option<String>,
    /// The newest `seq` that one has of the conversation.
    after: Option<i64>,
    /// A run of that conversation.
    run: Option<String>,
    /// The newest `seq` that one has of the run.
    run_after: Option<i64>,
    /// The newest `seq` that one has of the organization; from now on when left out.
    organization_after: Option<i64>,
}

/// Follow everything that concerns one tab
///
/// Server-sent events without a kind of their own: `data` is `{"stream":"run"|"conversation"|"organization","id":…,"seq":…,"kind":…,"data":…}`.
/// Runs that the conversation tells of are followed by themselves. `Last-Event-ID`, as browsers send it, wins over the parameters.
#[utoipa::path(get, path = "/live", tag = "runs",
    params(Watch, ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the newest message that one has.")),
    responses((status = 200, description = "The events, without an end.", body = String, content_type = "text/event-stream")))]
async fn live(State(state): State<AppState>, Caller(ctx): Caller, Params(watch): Params<Watch>, headers: HeaderMap) -> Answer<Response> {
    let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<Place>().ok());
    let request = request(&watch, seen)?;
    let reader = state.services.live.open(&ctx, request).await?;
    Ok(sse::answer(Tab::new(reader), OPENING, state.stopping.clone()))
}

fn request(watch: &Watch, seen: Option<Place>) -> Result<LiveRequest> {
    let conversation = watch.conversation.as_deref().map(named::<ConversationId>).transpose()?;
    let run = watch.run.as_deref().map(named::<RunId>).transpose()?;
    let mut request = LiveRequest {
        conversation: conversation.map(|id| (id, watch.after.unwrap_or(0))),
        run: run.map(|id| (id, watch.run_after.unwrap_or(0))),
        organization: watch.organization_after,
    };
    if let Some(seen) = seen {
        request.conversation = conversation.map(|id| (id, seen.conversation.unwrap_or(0)));
        request.run = seen.run;
        request.organization = Some(seen.organization);
    }
    Ok(request)
}

fn named<T: Named>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::NotFound(T::NOUN))
}

/// How far a tab is in each of its streams, written `c5.r<run>:12.o7`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Place {
    conversation: Option<i64>,
    run: Option<(RunId, i64)>,
    organization: i64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seq) = self.conversation {
            write!(f, "c{seq}.")?;
        }
        if let Some((id, seq)) = self.run {
            write!(f, "r{id}:{seq}.")?;
        }
        write!(f, "o{}", self.organization)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut place = Self::default();
        for part in text.split('.') {
            match part.split_at_checked(1) {
                Some(("c", seq)) => place.conversation = Some(seq.parse().map_err(drop)?),
                Some(("o", seq)) => place.organization = seq.parse().map_err(drop)?,
                Some(("r", run)) => {
                    let (id, seq) = run.split_once(':').ok_or(())?;
                    place.run = Some((id.parse().map_err(drop)?, seq.parse().map_err(drop)?));
                }
                _ => return Err(()),
            }
        }
        Ok(place)
    }
}

/// A tab's reader, and the place after each frame that it gives.
struct Tab {
    reader: LiveReader,
    place: Place,
    track: Track,
}

/// Which run the tab is on, so that a reconnect between "a run is queued" and its first frame does not lose it.
#[derive(Default)]
struct Track {
    ended: bool,
    upcoming: VecDeque<RunId>,
}

impl Tab {
    fn new(reader: LiveReader) -> Self {
        let (conversation, run, organization) = reader.cursors();
        let place = Place { conversation, run, organization };
        Self { reader, place, track: Track { ended: run.is_none(), upcoming: VecDeque::new() } }
    }
}

impl Source for Tab {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let frames = self.reader.next().await?;
        let mut buffer = Vec::with_capacity(frames.iter().map(|live| live.frame.data.len() + 240).sum());
        let mut data = String::new();
        for live in &frames {
            self.track.step(&mut self.place, live);
            data.clear();
            write(&mut data, live);
            sse::put(&mut buffer, self.place, None, &data);
        }
        Ok(Some(buffer.into()))
    }
}

impl Track {
    /// Moves the place past one frame.
    fn step(&mut self, place: &mut Place, live: &LiveFrame) {
        let seq = live.frame.seq;
        match live.source {
            LiveSource::Run(id) => {
                if self.upcoming.front() == Some(&id) {
                    self.upcoming.pop_front();
                }
                place.run = Some((id, seq));
                self.ended = &*live.frame.kind == "run.finished";
            }
            LiveSource::Conversation(_) => {
                place.conversation = Some(seq);
                if &*live.frame.kind == "run.queued"
                    && let Some(StreamEvent::RunQueued(queued)) = StreamEvent::read(&live.frame.kind, &live.frame.data)
                    && place.run.is_none_or(|(id, _)| id != queued.run_id)
                {
                    self.upcoming.push_back(queued.run_id);
                }
            }
            LiveSource::Organization(_) => place.organization = seq,
        }
        if self.ended
            && let Some(next) = self.upcoming.pop_front()
        {
            place.run = Some((next, 0));
            self.ended = false;
        }
    }
}

/// The message of one frame. Kinds are words of ours and data is JSON text: both go in as they are.
fn write(data: &mut String, live: &LiveFrame) {
    let frame = &live.frame;
    let rest = |data: &mut String, stream: &str, id: &dyn fmt::Display| {
        // Writing to a string cannot fail.
        let _ = write!(data, r#"{{"stream":"{stream}","id":"{id}","seq":{},"kind":"{}","data":{}}}"#, frame.seq, frame.kind, frame.data);
    };
    match live.source {
        LiveSource::Run(id) => rest(data, "run", &id),
        LiveSource::Conversation(id) => rest(data, "conversation", &id),
        LiveSource::Organization(id) => rest(data, "organization", &id),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use services::streams::StoredFrame;

    use super::*;

    const RUN: &str = "0192f0c1-2345-7abc-8def-0123456789ab";
    const NEXT: &str = "0192f0c1-2345-7abc-8def-0123456789ac";

    fn frame(source: LiveSource, seq: i64, kind: &str, data: &str) -> LiveFrame {
        LiveFrame { source, frame: StoredFrame { seq, kind: kind.into(), data: data.into(), at: domain::Timestamp::default() } }
    }

    #[test]
    fn a_place_is_read_as_it_is_written() {
        for place in [
            Place::default(),
            Place { conversation: Some(5), run: Some((RUN.parse().unwrap(), 12)), organization: 7 },
            Place { conversation: None, run: Some((RUN.parse().unwrap(), 0)), organization: 0 },
        ] {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        for rubbish in ["", "7", "c", "cx.o1", "r1:2.o3", "o1.z2"] {
            assert_eq!(rubbish.parse::<Place>(), Err(()), "{rubbish}");
        }
    }

    #[test]
    fn a_run_that_was_announced_is_in_the_place_before_its_first_frame() {
        let (run, next): (RunId, RunId) = (RUN.parse().unwrap(), NEXT.parse().unwrap());
        let conversation = LiveSource::Conversation(RUN.parse().unwrap());
        let queued = |seq, id: RunId| frame(conversation, seq, "run.queued", &format!(r#"{{"run_id":"{id}","agent":"triage"}}"#));
        let (mut place, mut track) = (Place::default(), Track { ended: true, upcoming: VecDeque::new() });
        track.step(&mut place, &queued(1, run));
        assert_eq!(place.run, Some((run, 0)));
        track.step(&mut place, &frame(LiveSource::Run(run), 1, "run.started", "{}"));
        track.step(&mut place, &queued(2, next));
        assert_eq!(place, Place { conversation: Some(2), run: Some((run, 1)), organization: 0 });
        track.step(&mut place, &frame(LiveSource::Run(run), 2, "run.finished", "{}"));
        assert_eq!(place.run, Some((next, 0)));
        track.step(&mut place, &frame(LiveSource::Run(next), 1, "run.started", "{}"));
        assert_eq!(place.run, Some((next, 1)));
    }

    #[test]
    fn a_message_says_where_it_comes_from() {
        let mut data = String::new();
        write(&mut data, &frame(LiveSource::Run(RUN.parse().unwrap()), 3, "message.delta", r#"{"text":"a"}"#));
        assert_eq!(data, format!(r#"{{"stream":"run","id":"{RUN}","seq":3,"kind":"message.delta","data":{{"text":"a"}}}}"#));
    }

    #[test]
    fn the_browsers_word_wins() {
        let watch = Watch { conversation: Some(RUN.to_owned()), after: Some(1), run: None, run_after: None, organization_after: None };
        assert_eq!(request(&watch, None).unwrap().conversation.unwrap().1, 1);
        let seen = format!("c9.r{NEXT}:4.o2").parse().ok();
        let request = request(&watch, seen).unwrap();
        assert_eq!((request.conversation.unwrap().1, request.run.unwrap().1, request.organization), (9, 4, Some(2)));
        assert!(matches!(super::request(&Watch { run: Some("x".to_owned()), ..watch }, None), Err(Error::NotFound("run"))));
    }
}
