//! Readers of streams: they wait for frames that are stored, and never miss or repeat one.

use std::time::Duration;

use domain::{Error, Result};
use storage::{
    Db,
    events::{self, Stream},
    wake::{Fresh, Subscription, Topic},
};

pub use storage::events::StoredFrame;

/// Frames fetched at once.
const PAGE: i64 = 500;
/// How long a reader trusts the wake: then it looks for itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads one stream from a place on.
pub struct StreamReader {
    db: Db,
    stream: Stream,
    subscription: Subscription,
    cursor: i64,
    ended: bool,
}

impl StreamReader {
    /// Opens a stream after a place. Access was checked by the caller.
    ///
    /// # Errors
    /// `cursor_ahead` when the stream has not come so far.
    pub(crate) async fn open(db: &Db, stream: Stream, after: i64) -> Result<Self> {
        // In line first, then read: a commit in between wakes.
        let subscription = db.wake().subscribe(Topic::Stream(stream.id()));
        let last = events::last_seq(db, stream).await?.ok_or(Error::NotFound("stream"))?;
        if after > last {
            return Err(Error::conflict("cursor_ahead", "The stream has not come so far. Start from an earlier place."));
        }
        let cursor = after.max(0);
        let ended = match stream {
            Stream::Run(_) if cursor == last && last > 0 => events::after(db, stream, last - 1, 1).await?.iter().any(is_last),
            _ => false,
        };
        Ok(Self { db: db.clone(), stream, subscription, cursor, ended })
    }

    /// Whether nothing will come any more.
    pub fn is_at_end(&self) -> bool {
        self.ended
    }

    /// The place of the newest frame given.
    pub fn cursor(&self) -> i64 {
        self.cursor
    }

    /// The next frames, at least one; `None` after the last frame of an ended run. May be dropped and called again.
    pub async fn next(&mut self) -> Result<Option<Vec<StoredFrame>>> {
        while !self.ended {
            let frames = match self.subscription.fresh(self.cursor) {
                Fresh::Frames(frames) => frames,
                Fresh::Nothing => Vec::new(),
                Fresh::Unknown(doubt) => {
                    let frames = events::after(&self.db, self.stream, self.cursor, PAGE).await?;
                    if i64::try_from(frames.len()).is_ok_and(|found| found < PAGE) {
                        self.subscription.has_read(doubt);
                    }
                    frames
                }
            };
            if let Some(last) = frames.last() {
                self.cursor = last.seq;
                self.ended = matches!(self.stream, Stream::Run(_)) && is_last(last);
                return Ok(Some(frames));
            }
            if tokio::time::timeout(PATIENCE, self.subscription.changed()).await.is_err() {
                let frames = events::after(&self.db, self.stream, self.cursor, 1).await?;
                if !frames.is_empty() {
                    tracing::warn!(stream = %self.stream.id(), "a wake was missed");
                    self.subscription.doubt();
                }
            }
        }
        Ok(None)
    }
}

fn is_last(frame: &StoredFrame) -> bool {
    &*frame.kind == "run.finished"
}
