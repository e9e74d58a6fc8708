//! A run's events: as a stream that can be taken up anywhere, or by the page.
//!
//! The text of a frame was made when it was stored; here it is only framed. What has gathered goes out in one piece.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use contracts::Page;
use domain::{Ctx, Error, Result, Timestamp, ids::RunId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use services::streams::{StoredFrame, StreamReader};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api::{
        extract::{Params, PathId, accepts},
        sse::{self, Source},
    },
    http::{authenticate::Caller, problem::Answer},
    state::AppState,
};

/// The route.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(events))
}

/// From where, and for a page how much.
#[derive(Deserialize, utoipa::IntoParams)]
struct From {
    /// The newest `seq` that one has: what comes after it is sent.
    after: Option<i64>,
    /// For a page: at most this many events, 1 to 1000, 500 by default.
    limit: Option<i64>,
}

/// One event of a page.
#[derive(Serialize, utoipa::ToSchema)]
struct EventView {
    /// Its place in the run, counted from 1 without gaps.
    seq: i64,
    /// What happened, such as `message.delta`.
    kind: String,
    /// What there is to tell of it.
    #[schema(value_type = Object)]
    data: Box<RawValue>,
    /// When it was stored.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
}

/// Follow a run
///
/// Server-sent events, from the first or after the larger of `Last-Event-ID` and `after`: `id` is the event's `seq`, `event` its
/// kind, `data` its JSON. The stream ends after `run.finished`. A comment comes every 15 s. Asking at or after the last event of an
/// ended run is answered by 204, beyond it by 409 `cursor_ahead`. With `Accept: application/json` the same events come by the page.
#[utoipa::path(get, path = "/runs/{id}/events", tag = "runs",
    params(
        ("id" = String, Path, format = "uuid", description = "The run's id."),
        From,
        ("Last-Event-ID" = Option<i64>, Header, description = "The newest `seq` that one has, as browsers send it."),
    ),
    responses(
        (status = 200, description = "The events.", content((String = "text/event-stream"), (Page<EventView> = "application/json"))),
        (status = 204, description = "The run has ended, and there is nothing after."),
    ))]
async fn events(
    State(state): State<AppState>,
    Caller(ctx): Caller,
    PathId(id): PathId<RunId>,
    Params(from): Params<From>,
    headers: HeaderMap,
) -> Answer<Response> {
    let after = newest(&headers, from.after)?;
    if accepts(&headers, "application/json") {
        let page = state.services.runs.events_page(&ctx, id, after, from.limit.unwrap_or(500).clamp(1, 1000)).await?;
        let items = page.items.into_iter().map(view).collect::<Result<Vec<_>>>()?;
        return Ok(Json(Page { items, next_cursor: page.next_cursor }).into_response());
    }
    stream(&state, &ctx, id, after).await
}

/// The larger of what the browser and the address say.
fn newest(headers: &HeaderMap, after: Option<i64>) -> Answer<i64> {
    let told = match headers.get("last-event-id").map(|value| value.to_str().unwrap_or_default().trim()) {
        None | Some("") => 0,
        Some(text) => text.parse().map_err(|_| Error::invalid("Last-Event-ID", "malformed", "It is the `seq` of an event: a number."))?,
    };
    Ok(told.max(after.unwrap_or(0)).max(0))
}

/// Streams a run's events after one of them.
pub async fn stream(state: &AppState, ctx: &Ctx, id: RunId, after: i64) -> Answer<Response> {
    let reader = state.services.runs.events(ctx, id, after).await?;
    if reader.is_at_end() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(sse::answer(Events(reader), b"", state.stopping.clone()))
}

fn view(frame: StoredFrame) -> Result<EventView> {
    let data = RawValue::from_string(frame.data.to_string()).map_err(Error::internal)?;
    Ok(EventView { seq: frame.seq, kind: frame.kind.to_string(), data, at: frame.at })
}

struct Events(StreamReader);

impl Source for Events {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        Ok(self.0.next().await?.map(|frames| framed(&frames)))
    }
}

/// Frames as they go on the wire, in one buffer.
fn framed(frames: &[StoredFrame]) -> Bytes {
    // What is around kind and data: four words, a number, four line breaks.
    let room = frames.iter().map(|frame| frame.kind.len() + frame.data.len() + 48).sum();
    let mut buffer = Vec::with_capacity(room);
    for frame in frames {
        sse::put(&mut buffer, frame.seq, Some(&frame.kind), &frame.data);
    }
    buffer.into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn frames_are_written_as_the_contract_says() {
        let frame = |seq, kind: &str, data: &str| StoredFrame { seq, kind: kind.into(), data: data.into(), at: Timestamp::default() };
        let wire = framed(&[frame(7, "message.delta", r#"{"text":"a"}"#), frame(8, "run.finished", "{}")]);
        let expected = "id: 7\nevent: message.delta\ndata: {\"text\":\"a\"}\n\nid: 8\nevent: run.finished\ndata: {}\n\n";
        assert_eq!(std::str::from_utf8(&wire).unwrap(), expected);
    }

    #[test]
    fn the_larger_cursor_wins() {
        let headers = |value: &'static str| [("last-event-id".parse().unwrap(), value.parse().unwrap())].into_iter().collect::<HeaderMap>();
        assert_eq!(newest(&headers("7"), Some(3)).unwrap(), 7);
        assert_eq!(newest(&headers("3"), Some(7)).unwrap(), 7);
        assert_eq!(newest(&headers(""), None).unwrap(), 0);
        assert_eq!(newest(&HeaderMap::new(), Some(-5)).unwrap(), 0);
        assert_eq!(newest(&headers("x"), None).unwrap_err().status().as_u16(), 422);
    }
}
