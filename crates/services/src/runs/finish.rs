//! The end of a run: what is still open is closed, the last frame is written, and conversation and organization are told,
//! all in one unit of work.

use contracts::{
    Frame, StreamEvent,
    runs::RunError,
    stream::{MessageAdded, RunEnded},
    transcript::{Item, Transcript},
};
use domain::{Result, Timestamp, chat::Author, runs::Ending};
use engine::agent::closing_frames;
use storage::{
    Tx,
    chat::MessageRow,
    events::{self, Appended, Stream},
    runs::{End, Lease, RunRow},
};

use crate::{
    Core,
    chat::{message_view, transcript::items_without_texts},
};

/// A run's end: how, and from where.
pub(crate) struct LastWord<'a> {
    /// The run.
    pub run: &'a RunRow,
    /// The fold of all its frames.
    pub transcript: Transcript,
    /// How it ends.
    pub ending: Ending,
    /// Why, when not well.
    pub error: Option<&'a RunError>,
}

impl Core {
    /// Ends a run under its lease. `transcript` is the fold of all its frames.
    pub(crate) async fn end_held(&self, tx: &mut Tx, lease: Lease, last: LastWord<'_>) -> Result<Vec<Appended>> {
        let LastWord { run, mut transcript, ending, error } = last;
        let before = close(tx, run, &mut transcript).await?;
        let items = items_without_texts(&transcript)?;
        let own = storage::runs::end(tx, lease, End { ending, error, items, before }).await?;
        tell_end(tx, run, &transcript, ending, own).await
    }

    /// Ends a run that nobody holds.
    pub(crate) async fn end_idle(&self, tx: &mut Tx, last: LastWord<'_>) -> Result<Vec<Appended>> {
        let LastWord { run, mut transcript, ending, error } = last;
        let before = close(tx, run, &mut transcript).await?;
        let items = items_without_texts(&transcript)?;
        match storage::runs::end_unleased(tx, run.id, End { ending, error, items, before }).await? {
            Some(own) => tell_end(tx, run, &transcript, ending, own).await,
            None => Ok(Vec::new()),
        }
    }

    /// After a commit: wakes the readers of these streams.
    pub(crate) fn told(&self, all: &[Appended]) {
        for appended in all {
            self.db.wake().committed(&appended.stream, &appended.frames);
        }
    }
}

/// Completes what was cut, with the text that readers have seen, so that it is kept.
async fn close(tx: &mut Tx, run: &RunRow, transcript: &mut Transcript) -> Result<Vec<StreamEvent>> {
    let now = tx.now().await?;
    let closing = closing_frames(transcript);
    for event in &closing {
        let frame = Frame { seq: transcript.last_seq + 1, event: event.clone() };
        transcript.apply(&frame);
        if let (StreamEvent::MessageCompleted(done), Some(conversation)) = (event, run.conversation)
            && !done.text.is_empty()
        {
            let row = agent_message(done.message_id, done.text.clone(), done.partial, run, now);
            storage::chat::insert_message(tx, conversation, run.org, &row).await?;
        }
    }
    Ok(closing)
}

async fn tell_end(tx: &mut Tx, run: &RunRow, transcript: &Transcript, ending: Ending, own: Appended) -> Result<Vec<Appended>> {
    let mut told = vec![own];
    let Some(conversation) = run.conversation else { return Ok(told) };
    let now = tx.now().await?;
    storage::chat::set_active_run(tx, conversation, None, now).await?;
    let mut said: Vec<StreamEvent> = transcript
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Message(m) if !m.text.is_empty() => {
                let row = agent_message(m.id, m.text.clone(), m.partial, run, now);
                Some(MessageAdded { message: message_view(row) }.into())
            }
            _ => None,
        })
        .collect();
    said.push(RunEnded { run_id: run.id, status: ending.status() }.into());
    told.push(events::append(tx, Stream::Conversation(conversation), &said).await?);
    told.push(crate::chat::tell_organization(tx, run.org, run.user, conversation, false).await?);
    Ok(told)
}

fn agent_message(id: domain::ids::MessageId, text: String, partial: bool, run: &RunRow, at: Timestamp) -> MessageRow {
    MessageRow { id, author: Author::Agent, agent: Some(run.agent.clone()), run: Some(run.id), text, partial, created_at: at }
}
