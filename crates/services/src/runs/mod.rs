//! Runs: looking at them, reading their frames, stopping them.

mod cancel;
mod finish;

use std::sync::Arc;

use contracts::{
    Page,
    runs::{RunError, RunView},
};
use domain::{Ctx, Error, Result, access::Permission, ids::RunId};
use storage::{
    chat::ConversationRow,
    events::{self, Stream},
    runs::RunRow,
};

pub(crate) use finish::LastWord;

use crate::{
    Core, jobs,
    streams::{StoredFrame, StreamReader},
};

/// Runs.
#[derive(Clone)]
pub struct Runs {
    core: Arc<Core>,
}

impl Runs {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// One of the caller's runs.
    pub async fn get(&self, ctx: &Ctx, id: RunId) -> Result<RunView> {
        let (run, _) = self.core.own_run(ctx, id).await?;
        self.core.run_view(run).await
    }

    /// Reads a run's frames from a place on, as they come.
    ///
    /// # Errors
    /// `cursor_ahead` when the run has not come so far.
    pub async fn events(&self, ctx: &Ctx, id: RunId, after: i64) -> Result<StreamReader> {
        self.core.own_run(ctx, id).await?;
        StreamReader::open(&self.core.db, Stream::Run(id), after).await
    }

    /// Frames of a run after a place, as they are now.
    pub async fn events_page(&self, ctx: &Ctx, id: RunId, after: i64, limit: i64) -> Result<Page<StoredFrame>> {
        let (run, _) = self.core.own_run(ctx, id).await?;
        if after > run.event_seq {
            return Err(Error::conflict("cursor_ahead", "The stream has not come so far. Start from an earlier place."));
        }
        let items = events::after(&self.core.db, Stream::Run(id), after, limit).await?;
        let next_cursor = items.last().filter(|frame| frame.seq < run.event_seq).map(|frame| frame.seq.to_string());
        Ok(Page { items, next_cursor })
    }
}

impl Core {
    /// The caller's run and its conversation; anything else is not found.
    pub(crate) async fn own_run(&self, ctx: &Ctx, id: RunId) -> Result<(RunRow, ConversationRow)> {
        let (org, user) = (ctx.allow(Permission::ReadChat)?, ctx.user()?);
        let run = storage::runs::find(&self.db, id).await?.filter(|run| run.org == org && run.user == user).ok_or(Error::NotFound("run"))?;
        let conversation = run.conversation.ok_or(Error::NotFound("run"))?;
        let conversation = storage::chat::find(&self.db, org, user, conversation).await?.ok_or(Error::NotFound("run"))?;
        Ok((run, conversation))
    }

    pub(crate) async fn run_view(&self, run: RunRow) -> Result<RunView> {
        let idle = !run.status.is_ended() && run.status != domain::runs::RunStatus::Running;
        let why = if idle { Some(storage::runs::why(&self.db, run.job, jobs::KINDS).await?) } else { None };
        Ok(RunView {
            id: run.id,
            kind: run.kind,
            status: run.status,
            agent: self.agent_title(&run.agent),
            conversation_id: run.conversation,
            attempt: run.attempt,
            last_seq: run.event_seq,
            why,
            error: run.error.map(|(code, message)| RunError { code, message }),
            created_at: run.created_at,
            started_at: run.started_at,
            ended_at: run.ended_at,
        })
    }
}
