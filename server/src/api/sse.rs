//! The wire of event streams: frames as bytes, a comment every 15 s whatever else happens, an end when the server stops.

use std::{fmt::Display, io::Write, pin::Pin, time::Duration};

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use domain::Result;
use futures::{StreamExt, stream};
use http::{
    HeaderName,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

/// Proxies and browsers give up on a silent connection; this is well below what they wait.
const COMMENT_EVERY: Duration = Duration::from_secs(15);
const COMMENT: &[u8] = b": still here\n\n";

/// Where a stream's frames come from.
pub trait Source: Send + Sized + 'static {
    /// Waits for frames and gives them as they go on the wire; `None` when there will be none any more.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>>> + Send;
}

/// A source that is being waited for, and then ready again.
type Waiting<S> = Pin<Box<dyn Future<Output = (S, Result<Option<Bytes>>)> + Send>>;

struct Open<S> {
    waiting: Waiting<S>,
    comments: Interval,
    stopping: CancellationToken,
    _counted: Counted,
}

/// The answer that streams a source. `opening` goes out first, before there is any frame.
pub fn answer<S: Source>(source: S, opening: &'static [u8], stopping: CancellationToken) -> Response {
    let mut comments = interval_at(Instant::now() + COMMENT_EVERY, COMMENT_EVERY);
    comments.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let open = Open { waiting: wait(source), comments, stopping, _counted: Counted::new() };
    let frames = stream::unfold(Some(open), |open| async {
        let mut open = open?;
        let (piece, goes_on) = piece(&mut open).await?;
        Some((piece, goes_on.then_some(open)))
    });
    let opening = stream::iter((!opening.is_empty()).then(|| Bytes::from_static(opening)));
    let body = Body::from_stream(opening.chain(frames).map(Ok::<_, std::convert::Infallible>));
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        // Some proxies gather what they pass on unless they are told not to.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}

/// The next piece of the stream, and whether there may be more; `None` at its end.
async fn piece<S: Source>(open: &mut Open<S>) -> Option<(Bytes, bool)> {
    tokio::select! {
        biased;
        // A reader comes back to another process, or to this one when it has started again.
        () = open.stopping.cancelled() => None,
        _ = open.comments.tick() => Some((Bytes::from_static(COMMENT), true)),
        (source, frames) = &mut open.waiting => match frames {
            Ok(Some(frames)) => {
                open.waiting = wait(source);
                Some((frames, true))
            }
            Ok(None) => None,
            // The reader reconnects after the last frame that it has seen; nothing is lost.
            Err(error) => {
                tracing::error!(%error, "an event stream was cut");
                None
            }
        },
    }
}

/// A wait that a comment in between does not disturb.
fn wait<S: Source>(mut source: S) -> Waiting<S> {
    Box::pin(async move {
        let frames = source.next().await;
        (source, frames)
    })
}

/// Appends one frame.
pub fn put(buffer: &mut Vec<u8>, id: impl Display, kind: Option<&str>, data: &str) {
    // Writing to memory cannot fail; JSON text as we store it holds no line break.
    let _ = write!(buffer, "id: {id}");
    if let Some(kind) = kind {
        buffer.extend_from_slice(b"\nevent: ");
        buffer.extend_from_slice(kind.as_bytes());
    }
    buffer.extend_from_slice(b"\ndata: ");
    buffer.extend_from_slice(data.as_bytes());
    buffer.extend_from_slice(b"\n\n");
}

/// Counts the streams that are open.
struct Counted;

impl Counted {
    fn new() -> Self {
        metrics::gauge!("troupe_streams_open").increment(1.0);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::gauge!("troupe_streams_open").decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use http_body_util::BodyExt;

    use super::*;

    struct Silent;

    impl Source for Silent {
        async fn next(&mut self) -> Result<Option<Bytes>> {
            std::future::pending().await
        }
    }

    /// Gives a frame every 100 ms, for ever.
    struct Busy;

    impl Source for Busy {
        async fn next(&mut self) -> Result<Option<Bytes>> {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(Some(Bytes::from_static(b"id: 1\ndata: {}\n\n")))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_comment_comes_every_fifteen_seconds_whatever_else_happens() {
        let start = Instant::now();
        let mut silent = answer(Silent, b"", CancellationToken::new()).into_body();
        for comments in 1..=3 {
            let piece = silent.frame().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(piece, COMMENT);
            assert_eq!(start.elapsed().as_secs(), 15 * comments);
        }
        let start = Instant::now();
        let mut busy = answer(Busy, b"", CancellationToken::new()).into_body();
        while busy.frame().await.unwrap().unwrap().into_data().unwrap() != COMMENT {}
        assert_eq!(start.elapsed().as_secs(), 15);
    }

    #[tokio::test(start_paused = true)]
    async fn streams_end_when_the_server_stops() {
        let stopping = CancellationToken::new();
        let mut body = answer(Silent, b"retry: 500\n\n", stopping.clone()).into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "retry: 500\n\n");
        stopping.cancel();
        assert!(body.frame().await.is_none());
    }
}
