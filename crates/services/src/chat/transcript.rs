//! A conversation with all that was said: what the page shows first, and after any interruption.
//!
//! A person's message comes from its row. An answer that has ended comes from its run's items; one that is being
//! written is folded from its frames, and the reader goes on after the newest of them.

use std::collections::HashMap;

use contracts::{
    chat::{Entry, RunEntry, TranscriptView},
    runs::RunError,
    transcript::{Item, Transcript},
};
use domain::{
    Ctx, Error, Result,
    access::Permission,
    chat::Author,
    ids::{ConversationId, MessageId, RunId},
};
use storage::{
    Db, Tx,
    chat::MessageRow,
    events::{self, StoredFrame, Stream},
    runs::RunRow,
};

use super::{Chat, message_view, view};

/// Messages that a page shows at first.
const NEWEST: i64 = 400;

impl Chat {
    /// A conversation with its newest messages.
    pub async fn transcript(&self, ctx: &Ctx, id: ConversationId) -> Result<TranscriptView> {
        // The conversation first: what is said after this moment is in its stream after `last_seq`.
        let conversation = self.own(ctx, id, Permission::ReadChat).await?;
        let mut messages = storage::chat::newest_messages(&self.core.db, id, NEWEST + 1).await?;
        let has_older = messages.len() > usize::try_from(NEWEST).unwrap_or(usize::MAX);
        if has_older {
            messages.remove(0);
        }
        let (questions, answers): (Vec<_>, Vec<_>) = messages.into_iter().partition(|m| m.author == Author::User);
        let texts: HashMap<MessageId, String> = answers.into_iter().map(|m| (m.id, m.text)).collect();
        let ids: Vec<RunId> = questions.iter().filter_map(|q| q.run).collect();
        let runs: HashMap<RunId, RunRow> = storage::runs::find_many(&self.core.db, &ids).await?.into_iter().map(|r| (r.id, r)).collect();
        let mut entries = Vec::with_capacity(questions.len() * 2);
        for question in questions {
            let run = question.run.and_then(|id| runs.get(&id));
            entries.push(Entry::Message(message_view(question)));
            if let Some(run) = run {
                entries.push(Entry::Run(self.run_entry(run, &texts).await?));
            }
        }
        Ok(TranscriptView { conversation: view(conversation), entries, has_older })
    }

    async fn run_entry(&self, run: &RunRow, texts: &HashMap<MessageId, String>) -> Result<RunEntry> {
        let folded = match &run.items {
            Some(items) => from_items(items, texts, run)?,
            None => fold(&self.core.db, run.id).await?,
        };
        Ok(RunEntry {
            run_id: run.id,
            agent: self.core.agent_title(&run.agent),
            status: folded.ended.unwrap_or(run.status),
            items: folded.items,
            last_seq: folded.last_seq,
            error: folded.error,
            created_at: run.created_at,
        })
    }
}

fn from_items(items: &str, texts: &HashMap<MessageId, String>, run: &RunRow) -> Result<Transcript> {
    let mut items: Vec<Item> = serde_json::from_str(items).map_err(Error::internal)?;
    for item in &mut items {
        if let Item::Message(message) = item
            && let Some(text) = texts.get(&message.id)
        {
            message.text.clone_from(text);
        }
    }
    let error = run.error.clone().map(|(code, message)| RunError { code, message });
    Ok(Transcript { items, last_seq: run.event_seq, ended: Some(run.status), error, cost_micros: 0 })
}

/// Frames folded at once.
const PAGE: i64 = 2_000;

/// Everything that a run has shown so far.
pub(crate) async fn fold(db: &Db, run: RunId) -> Result<Transcript> {
    let mut transcript = Transcript::default();
    loop {
        let frames = events::after(db, Stream::Run(run), transcript.last_seq, PAGE).await?;
        if !apply(&mut transcript, frames) {
            return Ok(transcript);
        }
    }
}

/// Everything that a run has shown so far, as a unit of work sees it that is about to end the run: it has the one
/// connection, and must not wait for a second.
pub(crate) async fn fold_in(tx: &mut Tx, run: RunId) -> Result<Transcript> {
    let mut transcript = Transcript::default();
    loop {
        let frames = events::after_in(tx, run, transcript.last_seq, PAGE).await?;
        if !apply(&mut transcript, frames) {
            return Ok(transcript);
        }
    }
}

/// Adds frames; whether there may be more.
fn apply(transcript: &mut Transcript, frames: Vec<StoredFrame>) -> bool {
    let more = i64::try_from(frames.len()).is_ok_and(|n| n == PAGE);
    for frame in frames {
        let (seq, event) = (frame.seq, frame.read());
        match event {
            Some(event) => {
                transcript.apply(&event);
            }
            // A kind from another version: passed over, but counted.
            None => transcript.last_seq = seq,
        }
    }
    more
}

/// The items of a run as they are kept: texts of messages have rows of their own.
pub(crate) fn items_without_texts(transcript: &Transcript) -> Result<String> {
    let mut items = transcript.items.clone();
    for item in &mut items {
        if let Item::Message(message) = item {
            message.text.clear();
        }
    }
    serde_json::to_string(&items).map_err(Error::internal)
}

/// What was said before a run, and what it answers, oldest first.
pub(crate) async fn history(db: &Db, conversation: ConversationId, run: RunId) -> Result<Vec<MessageRow>> {
    let messages = storage::chat::newest_messages(db, conversation, NEWEST).await?;
    // Of this very run, only the question: what it has written itself comes from its steps.
    Ok(messages.into_iter().filter(|m| m.run != Some(run) || m.author == Author::User).collect())
}
