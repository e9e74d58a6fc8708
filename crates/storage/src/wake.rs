//! Wakes readers and workers after a commit. A wake carries no data: whoever wakes reads again by `seq`.
//!
//! In one process it is a version counter per topic. On Postgres other processes are told by a coalesced NOTIFY on a
//! connection of its own; when LISTEN breaks, everybody is woken every 250 ms until it is back. Frames that this very
//! process has just committed are kept for a moment beside the counter, so that readers here need not fetch them again.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::ids::RunId;
use sqlx::{PgPool, postgres::PgListener};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::events::StoredFrame;

/// Frames kept per stream for readers of this process.
const TAIL_FRAMES: usize = 2048;
/// How long topics gather before one NOTIFY tells of them.
const COALESCE: Duration = Duration::from_millis(4);
/// How often everybody is woken while LISTEN is broken.
const POLL: Duration = Duration::from_millis(250);
/// Postgres refuses payloads of 8,000 bytes.
const PAYLOAD_BYTES: usize = 7_000;
const CHANNEL: &str = "troupe";

/// What somebody may wait for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// New frames in a stream, by the stream's id.
    Stream(String),
    /// A job may be ready.
    Jobs,
    /// Somebody wants a run to stop.
    Control(RunId),
}

impl Topic {
    fn write(&self) -> String {
        match self {
            Self::Stream(id) => format!("s{id}"),
            Self::Jobs => "j".to_owned(),
            Self::Control(run) => format!("c{run}"),
        }
    }

    fn read(text: &str) -> Option<Self> {
        match text.split_at_checked(1)? {
            ("s", id) => Some(Self::Stream(id.to_owned())),
            ("j", "") => Some(Self::Jobs),
            ("c", run) => run.parse().ok().map(Self::Control),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Tail {
    frames: VecDeque<StoredFrame>,
    /// Counts wakes after which the frames above may not be all there is.
    gaps: u64,
}

struct Entry {
    version: watch::Sender<u64>,
    tail: Mutex<Tail>,
}

#[derive(Default)]
struct Hub {
    entries: Mutex<HashMap<Topic, Arc<Entry>>>,
}

/// Tells of commits, in this process and beyond.
#[derive(Clone)]
pub struct Wake {
    hub: Arc<Hub>,
    beyond: Option<Arc<Beyond>>,
}

struct Beyond {
    pool: PgPool,
    listen_url: Option<String>,
    /// Tells our own notifications from those of others.
    origin: String,
    outgoing: mpsc::UnboundedSender<Topic>,
    pending: Mutex<Option<mpsc::UnboundedReceiver<Topic>>>,
}

/// A place in line for one topic. Subscribe first, then read: a commit in between wakes.
pub struct Subscription {
    topic: Topic,
    entry: Arc<Entry>,
    version: watch::Receiver<u64>,
    gaps: u64,
    hub: Arc<Hub>,
}

/// What this process knows of a stream beyond a place in it.
#[derive(Debug)]
pub enum Fresh {
    /// These frames come next.
    Frames(Vec<StoredFrame>),
    /// Nothing new was committed here.
    Nothing,
    /// Ask the database; once all that it has was read, say so by [`Subscription::has_read`].
    Unknown(Doubt),
}

/// A reason to ask the database. It stands until it is settled, so that a reader may be dropped while it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt(u64);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The data is a cache and counters: whole at every await and every panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wake {
    /// For a database of one process.
    pub(crate) fn local() -> Self {
        Self { hub: Arc::default(), beyond: None }
    }

    /// For a shared database; [`Wake::listen`] does the telling and hearing.
    pub(crate) async fn postgres(pool: PgPool, listen_url: Option<String>) -> Result<Self, sqlx::Error> {
        let (outgoing, pending) = mpsc::unbounded_channel();
        // Any value that no other connected process has; it is no id of anything stored.
        let (origin,): (String,) = sqlx::query_as("SELECT CAST(gen_random_uuid() AS TEXT)").fetch_one(&pool).await?;
        let beyond = Beyond { pool, listen_url, origin, outgoing, pending: Mutex::new(Some(pending)) };
        Ok(Self { hub: Arc::default(), beyond: Some(Arc::new(beyond)) })
    }

    /// Takes a place in line for a topic.
    pub fn subscribe(&self, topic: Topic) -> Subscription {
        let mut entries = lock(&self.hub.entries);
        let entry = entries.entry(topic.clone()).or_insert_with(|| Arc::new(Entry { version: watch::Sender::new(0), tail: Mutex::default() }));
        let gaps = lock(&entry.tail).gaps;
        Subscription { topic, version: entry.version.subscribe(), gaps, hub: Arc::clone(&self.hub), entry: Arc::clone(entry) }
    }

    /// Tells that something about a topic was committed.
    pub fn tell(&self, topic: Topic) {
        self.hub.wake(&topic);
        self.tell_beyond(topic);
    }

    /// Tells that these frames were committed to a stream, and keeps them for readers here.
    pub fn committed(&self, stream: &str, frames: &[StoredFrame]) {
        let topic = Topic::Stream(stream.to_owned());
        let entry = lock(&self.hub.entries).get(&topic).cloned();
        if let Some(entry) = entry {
            lock(&entry.tail).push(frames);
            entry.version.send_modify(|v| *v += 1);
        }
        self.tell_beyond(topic);
    }

    fn tell_beyond(&self, topic: Topic) {
        if let Some(beyond) = &self.beyond {
            // Fails only when the listener has ended, and then nobody beyond is told by us any more.
            let _ = beyond.outgoing.send(topic);
        }
    }

    /// Tells and hears other processes until `stop`; returns at once where there are none. Run it once per process.
    pub async fn listen(&self, stop: CancellationToken) {
        let Some(beyond) = &self.beyond else { return };
        let Some(pending) = lock(&beyond.pending).take() else { return };
        tokio::join!(beyond.send(pending, &stop), beyond.hear(&self.hub, &stop));
    }

    /// Checks the way round through the database: tells and waits to hear it, as `doctor` shows.
    pub async fn round_trip(&self, within: Duration) -> Result<Duration, String> {
        let Some(beyond) = &self.beyond else { return Ok(Duration::ZERO) };
        let mut listener = beyond.listener().await.map_err(|e| e.to_string())?;
        let start = tokio::time::Instant::now();
        beyond.notify(&format!("{}|j", beyond.origin)).await.map_err(|e| e.to_string())?;
        match tokio::time::timeout(within, listener.recv()).await {
            Ok(Ok(_)) => Ok(start.elapsed()),
            Ok(Err(e)) => Err(e.to_string()),
            Err(_) => Err("LISTEN heard nothing: a pooler in between? Set TROUPE_LISTEN_URL past it.".to_owned()),
        }
    }
}

impl Tail {
    fn push(&mut self, frames: &[StoredFrame]) {
        let Some(first) = frames.first() else { return };
        match self.frames.back().map(|last| last.seq) {
            Some(last) if first.seq <= last => {
                // Two commits told in the other order: the reader must look for itself.
                self.gaps += 1;
                return;
            }
            Some(last) if first.seq != last + 1 => self.frames.clear(),
            _ => {}
        }
        self.frames.extend(frames.iter().cloned());
        while self.frames.len() > TAIL_FRAMES {
            self.frames.pop_front();
        }
    }
}

impl Hub {
    fn wake(&self, topic: &Topic) {
        let entry = lock(&self.entries).get(topic).cloned();
        if let Some(entry) = entry {
            entry.wake();
        }
    }

    fn wake_all(&self) {
        let all: Vec<_> = lock(&self.entries).values().cloned().collect();
        for entry in all {
            entry.wake();
        }
    }
}

impl Entry {
    fn wake(&self) {
        lock(&self.tail).gaps += 1;
        self.version.send_modify(|v| *v += 1);
    }
}

impl Subscription {
    /// Waits until the topic was told of since the last call (or since subscribing).
    pub async fn changed(&mut self) {
        // The sender lives in `entry`, so this cannot fail.
        let _ = self.version.changed().await;
    }

    /// Makes the next [`Subscription::fresh`] send its reader to the database.
    pub fn doubt(&mut self) {
        self.gaps = self.gaps.wrapping_sub(1);
    }

    /// What was committed here after `seq`.
    pub fn fresh(&self, seq: i64) -> Fresh {
        let tail = lock(&self.entry.tail);
        if tail.gaps != self.gaps {
            return Fresh::Unknown(Doubt(tail.gaps));
        }
        match (tail.frames.front(), tail.frames.back()) {
            (Some(_), Some(last)) if last.seq <= seq => Fresh::Nothing,
            (Some(first), Some(_)) if first.seq <= seq + 1 => {
                let skip = usize::try_from(seq + 1 - first.seq).unwrap_or(0);
                Fresh::Frames(tail.frames.iter().skip(skip).cloned().collect())
            }
            _ => Fresh::Unknown(Doubt(tail.gaps)),
        }
    }

    /// The reader has read everything that was there when this doubt was raised.
    pub fn has_read(&mut self, doubt: Doubt) {
        self.gaps = doubt.0;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut entries = lock(&self.hub.entries);
        // This one is still counted.
        if self.entry.version.receiver_count() <= 1 {
            entries.remove(&self.topic);
        }
    }
}

impl Beyond {
    async fn listener(&self) -> Result<PgListener, sqlx::Error> {
        let mut listener = match &self.listen_url {
            Some(url) => PgListener::connect(url).await?,
            None => PgListener::connect_with(&self.pool).await?,
        };
        listener.listen(CHANNEL).await?;
        Ok(listener)
    }

    async fn notify(&self, payload: &str) -> Result<(), sqlx::Error> {
        sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(payload).execute(&self.pool).await.map(|_| ())
    }

    async fn send(&self, mut pending: mpsc::UnboundedReceiver<Topic>, stop: &CancellationToken) {
        loop {
            let first = tokio::select! {
                topic = pending.recv() => topic,
                () = stop.cancelled() => return,
            };
            let Some(first) = first else { return };
            tokio::time::sleep(COALESCE).await;
            let mut topics = BTreeSet::from([first.write()]);
            while let Ok(topic) = pending.try_recv() {
                topics.insert(topic.write());
            }
            let mut payload = format!("{}|", self.origin);
            for topic in topics {
                if payload.len() + topic.len() > PAYLOAD_BYTES {
                    self.notify_or_log(&payload).await;
                    payload = format!("{}|", self.origin);
                }
                if !payload.ends_with('|') {
                    payload.push(',');
                }
                payload.push_str(&topic);
            }
            self.notify_or_log(&payload).await;
        }
    }

    async fn notify_or_log(&self, payload: &str) {
        if let Err(error) = self.notify(payload).await {
            tracing::warn!(%error, "notify failed; others notice when they poll");
        }
    }

    async fn hear(&self, hub: &Hub, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.listener().await {
                Ok(mut listener) => {
                    // Whatever was told while nobody listened.
                    hub.wake_all();
                    tokio::select! {
                        () = self.hear_with(hub, &mut listener) => {}
                        () = stop.cancelled() => return,
                    }
                }
                Err(error) => tracing::warn!(%error, "cannot LISTEN; polling"),
            }
            for _ in 0..8 {
                tokio::select! {
                    () = tokio::time::sleep(POLL) => hub.wake_all(),
                    () = stop.cancelled() => return,
                }
            }
        }
    }

    /// Hears until the connection breaks. A connection that a pooler swallows is noticed by silence: we hear ourselves too.
    async fn hear_with(&self, hub: &Hub, listener: &mut PgListener) {
        loop {
            match listener.try_recv().await {
                Ok(Some(notification)) => {
                    let Some((origin, topics)) = notification.payload().split_once('|') else { continue };
                    if origin == self.origin {
                        continue;
                    }
                    for topic in topics.split(',').filter_map(Topic::read) {
                        hub.wake(&topic);
                    }
                }
                // None: the connection was lost and something may have been missed.
                Ok(None) => hub.wake_all(),
                Err(error) => {
                    tracing::warn!(%error, "LISTEN broke; polling");
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(seq: i64) -> StoredFrame {
        StoredFrame { seq, kind: "k".into(), data: "{}".into(), at: domain::Timestamp::from_micros(seq) }
    }

    #[test]
    fn readers_here_get_what_was_committed_here() {
        let wake = Wake::local();
        let mut reader = wake.subscribe(Topic::Stream("a".into()));
        assert!(matches!(reader.fresh(0), Fresh::Unknown(_)));
        wake.committed("a", &[frame(1), frame(2)]);
        wake.committed("a", &[frame(3)]);
        assert!(matches!(reader.fresh(1), Fresh::Frames(f) if f.len() == 2 && f[0].seq == 2));
        assert!(matches!(reader.fresh(3), Fresh::Nothing));
        wake.tell(Topic::Stream("a".into()));
        let Fresh::Unknown(doubt) = reader.fresh(3) else { unreachable!("another process has committed") };
        assert!(matches!(reader.fresh(3), Fresh::Unknown(_)), "until the reader has read");
        wake.tell(Topic::Stream("a".into()));
        reader.has_read(doubt);
        let Fresh::Unknown(doubt) = reader.fresh(3) else { unreachable!("and again while it read") };
        reader.has_read(doubt);
        assert!(matches!(reader.fresh(3), Fresh::Nothing));
    }

    #[test]
    fn commits_told_in_the_other_order_send_the_reader_to_the_database() {
        let wake = Wake::local();
        let reader = wake.subscribe(Topic::Stream("a".into()));
        wake.committed("a", &[frame(2)]);
        wake.committed("a", &[frame(1)]);
        assert!(matches!(reader.fresh(0), Fresh::Unknown(_)));
    }

    #[test]
    fn nothing_is_kept_for_nobody() {
        let wake = Wake::local();
        drop(wake.subscribe(Topic::Jobs));
        assert!(lock(&wake.hub.entries).is_empty());
    }
}
