//! Append-only facts in streams. `seq` is taken under the row lock of the stream's owner, in the committing
//! transaction, so a reader that has seen *n* has seen everything up to *n*.

use std::sync::Arc;

use contracts::StreamEvent;
use domain::{
    Timestamp,
    ids::{ConversationId, OrgId, RunId},
};
use serde::{Deserialize, Serialize};

use crate::{Db, StoreError, StoreResult, Tx, row};

/// A frame as stored: its data is JSON text, sent as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFrame {
    /// Its place, counted from 1.
    pub seq: i64,
    /// The event's kind.
    pub kind: Arc<str>,
    /// The event's data, as JSON text.
    pub data: Arc<str>,
    /// When it was committed, nearly.
    pub at: Timestamp,
}

impl StoredFrame {
    /// An event at its place.
    pub fn of(seq: i64, event: &StreamEvent, at: Timestamp) -> Self {
        Self { seq, kind: event.kind().into(), data: event.data().into(), at }
    }

    /// The event, when this version knows it.
    pub fn read(&self) -> Option<contracts::Frame> {
        StreamEvent::read(&self.kind, &self.data).map(|event| contracts::Frame { seq: self.seq, event })
    }
}

/// Which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Every frame of a run.
    Run(RunId),
    /// Messages, titles and runs of a conversation.
    Conversation(ConversationId),
    /// Coarse facts of an organization.
    Organization(OrgId),
}

impl Stream {
    /// The id under which its events are stored.
    pub fn id(&self) -> String {
        match self {
            Self::Run(id) => id.to_string(),
            Self::Conversation(id) => id.to_string(),
            Self::Organization(id) => id.to_string(),
        }
    }
}

/// Frames that a unit of work appended: after its commit, hand them to [`crate::wake::Wake::committed`].
#[derive(Debug, Clone)]
pub struct Appended {
    /// The stream's id.
    pub stream: String,
    /// The frames with their places.
    pub frames: Vec<StoredFrame>,
}

/// Appends events to a conversation's or an organization's stream. A run's are appended under its lease
/// ([`crate::runs::append`]) or with the transition that they tell of.
pub async fn append(tx: &mut Tx, stream: Stream, events: &[StreamEvent]) -> StoreResult<Appended> {
    let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let id = stream.id();
    let sql = match stream {
        Stream::Run(_) => "UPDATE runs SET event_seq = event_seq + $2 WHERE id = $1 RETURNING event_seq",
        Stream::Conversation(_) => "UPDATE conversations SET event_seq = event_seq + $2 WHERE id = $1 RETURNING event_seq",
        Stream::Organization(_) => "UPDATE organizations SET event_seq = event_seq + $2 WHERE id = $1 RETURNING event_seq",
    };
    let last: Option<(i64,)> = on_tx!(tx, c => sqlx::query_as(sql).bind(&id).bind(count).fetch_optional(c).await?);
    let Some((last,)) = last else { return Err(StoreError::Corrupt(format!("no stream {id}"))) };
    let now = tx.now().await?;
    let frames: Vec<_> = (last - count + 1..).zip(events).map(|(seq, event)| StoredFrame::of(seq, event, now)).collect();
    let appended = Appended { stream: id, frames };
    insert(tx, std::slice::from_ref(&appended)).await?;
    Ok(appended)
}

/// Inserts frames whose places were already taken under their streams' locks.
pub(crate) async fn insert(tx: &mut Tx, all: &[Appended]) -> StoreResult<()> {
    let rows: Vec<(&str, i64, &str, &str, i64)> =
        all.iter().flat_map(|a| a.frames.iter().map(|f| (a.stream.as_str(), f.seq, &*f.kind, &*f.data, f.at.micros()))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let rows = row::json(&rows)?;
    on_tx!(tx, c => sqlx::query(
        "INSERT INTO events (stream, seq, kind, data, at)
         SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), value ->> 2, value ->> 3, CAST(value ->> 4 AS BIGINT) FROM json_each($1)")
        .bind(rows).execute(c).await?.rows_affected());
    Ok(())
}

/// Frames of a stream after a place, oldest first, at most `limit`.
pub async fn after(db: &Db, stream: Stream, seq: i64, limit: i64) -> StoreResult<Vec<StoredFrame>> {
    let id = stream.id();
    let rows: Vec<(i64, String, String, i64)> = on_db!(db, c => sqlx::query_as(
        "SELECT seq, kind, data, at FROM events WHERE stream = $1 AND seq > $2 ORDER BY seq LIMIT $3")
        .bind(&id).bind(seq).bind(limit).fetch_all(c).await?);
    if rows.is_empty() && matches!(stream, Stream::Run(_)) {
        return packed(db, &id, seq, limit).await;
    }
    Ok(rows.into_iter().map(|(seq, kind, data, at)| StoredFrame { seq, kind: kind.into(), data: data.into(), at: Timestamp::from_micros(at) }).collect())
}

/// Frames of a run that has not ended, as the unit of work sees them: after a place, oldest first, at most `limit`.
pub async fn after_in(tx: &mut Tx, run: RunId, seq: i64, limit: i64) -> StoreResult<Vec<StoredFrame>> {
    let rows: Vec<(i64, String, String, i64)> = on_tx!(tx, c => sqlx::query_as(
        "SELECT seq, kind, data, at FROM events WHERE stream = $1 AND seq > $2 ORDER BY seq LIMIT $3")
        .bind(run.to_string()).bind(seq).bind(limit).fetch_all(c).await?);
    Ok(rows.into_iter().map(|(seq, kind, data, at)| StoredFrame { seq, kind: kind.into(), data: data.into(), at: Timestamp::from_micros(at) }).collect())
}

/// The newest place of a stream, or `None` when there is no such stream.
pub async fn last_seq(db: &Db, stream: Stream) -> StoreResult<Option<i64>> {
    let sql = match stream {
        Stream::Run(_) => "SELECT event_seq FROM runs WHERE id = $1",
        Stream::Conversation(_) => "SELECT event_seq FROM conversations WHERE id = $1",
        Stream::Organization(_) => "SELECT event_seq FROM organizations WHERE id = $1",
    };
    let row: Option<(i64,)> = on_db!(db, c => sqlx::query_as(sql).bind(stream.id()).fetch_optional(c).await?);
    Ok(row.map(|r| r.0))
}

/// A run of neighboring frames in a pack: pieces of text share one entry.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum PackEntry {
    /// Kind, data, instant.
    One(String, String, i64),
    /// Kind, message, the joined text, and for each piece its length in bytes and its instant.
    Pieces { k: String, m: String, t: String, c: Vec<(usize, i64)> },
}

#[derive(Deserialize)]
struct Piece {
    message_id: String,
    text: String,
}

fn pack(frames: &[StoredFrame]) -> Vec<PackEntry> {
    let mut entries: Vec<PackEntry> = Vec::new();
    for frame in frames {
        let piece = frame.kind.ends_with(".delta").then(|| serde_json::from_str::<Piece>(&frame.data).ok()).flatten();
        match (piece, entries.last_mut()) {
            (Some(piece), Some(PackEntry::Pieces { k, m, t, c })) if *k == *frame.kind && *m == piece.message_id => {
                t.push_str(&piece.text);
                c.push((piece.text.len(), frame.at.micros()));
            }
            (Some(piece), _) => entries.push(PackEntry::Pieces {
                k: frame.kind.to_string(),
                m: piece.message_id,
                c: vec![(piece.text.len(), frame.at.micros())],
                t: piece.text,
            }),
            (None, _) => entries.push(PackEntry::One(frame.kind.to_string(), frame.data.to_string(), frame.at.micros())),
        }
    }
    entries
}

fn unpack(entries: Vec<PackEntry>) -> StoreResult<Vec<StoredFrame>> {
    let mut frames = Vec::new();
    let mut push = |kind: &str, data: &str, at: i64| {
        let seq = i64::try_from(frames.len()).unwrap_or(i64::MAX) + 1;
        frames.push(StoredFrame { seq, kind: kind.into(), data: data.into(), at: Timestamp::from_micros(at) });
    };
    for entry in entries {
        match entry {
            PackEntry::One(kind, data, at) => push(&kind, &data, at),
            PackEntry::Pieces { k, m, t, c } => {
                let mut start = 0;
                for (length, at) in c {
                    let piece = t.get(start..start + length).ok_or_else(|| StoreError::Corrupt("pack".to_owned()))?;
                    start += length;
                    let message_id = row::id(&m)?;
                    let text = piece.to_owned();
                    let event: StreamEvent = match k.as_str() {
                        "message.delta" => contracts::stream::MessageDelta { message_id, text }.into(),
                        _ => contracts::stream::ReasoningDelta { message_id, text }.into(),
                    };
                    push(&k, &event.data(), at);
                }
            }
        }
    }
    Ok(frames)
}

async fn packed(db: &Db, stream: &str, seq: i64, limit: i64) -> StoreResult<Vec<StoredFrame>> {
    let row: Option<(String,)> = on_db!(db, c => sqlx::query_as("SELECT frames FROM event_packs WHERE stream = $1 AND last_seq > $2")
        .bind(stream).bind(seq).fetch_optional(c).await?);
    let Some((frames,)) = row else { return Ok(Vec::new()) };
    let entries: Vec<PackEntry> = serde_json::from_str(&frames).map_err(|e| StoreError::Corrupt(e.to_string()))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(unpack(entries)?.into_iter().filter(|f| f.seq > seq).take(limit).collect())
}

/// Runs that ended before an instant and whose frames are not packed yet.
pub async fn unpacked_runs(db: &Db, ended_before: Timestamp, limit: i64) -> StoreResult<Vec<RunId>> {
    let rows: Vec<(String,)> = on_db!(db, c => sqlx::query_as(
        "SELECT r.id FROM runs r WHERE r.ended_at < $1 AND EXISTS (SELECT 1 FROM events e WHERE e.stream = r.id) ORDER BY r.id LIMIT $2")
        .bind(ended_before.micros()).bind(limit).fetch_all(c).await?);
    rows.iter().map(|(id,)| row::id(id)).collect()
}

/// Packs the frames of an ended run into one row. Readers see the very same frames before, during and after.
///
/// Returns how many frames were packed.
pub async fn pack_run(tx: &mut Tx, run: RunId) -> StoreResult<usize> {
    let id = run.to_string();
    let rows: Vec<(i64, String, String, i64)> = on_tx!(tx, c => sqlx::query_as("SELECT seq, kind, data, at FROM events WHERE stream = $1 ORDER BY seq")
        .bind(&id).fetch_all(c).await?);
    let frames: Vec<_> =
        rows.into_iter().map(|(seq, kind, data, at)| StoredFrame { seq, kind: kind.into(), data: data.into(), at: Timestamp::from_micros(at) }).collect();
    let entries = pack(&frames);
    let text = row::json(&entries)?;
    // A frame that an unknown version wrote could read back otherwise: leave such a run as it is.
    if unpack(entries)? != frames || frames.is_empty() {
        return Ok(0);
    }
    let last = i64::try_from(frames.len()).unwrap_or(i64::MAX);
    on_tx!(tx, c => sqlx::query("INSERT INTO event_packs (stream, last_seq, frames) VALUES ($1, $2, $3)").bind(&id).bind(last).bind(text).execute(c).await?.rows_affected());
    on_tx!(tx, c => sqlx::query("DELETE FROM events WHERE stream = $1").bind(&id).execute(c).await?.rows_affected());
    Ok(frames.len())
}
