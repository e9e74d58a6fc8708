//! One stream for one browser tab: a conversation, the run that answers in it, and the organization's coarse facts.
//!
//! The tab never reopens for a new answer: when the conversation tells of a queued run, the reader follows it. That a run has
//! ended is told after all that it has shown, whichever stream is read first.

use std::{collections::VecDeque, sync::Arc};

use contracts::StreamEvent;
use domain::{
    Ctx, Result,
    ids::{ConversationId, OrgId, RunId, UserId},
};
use storage::events::Stream;

use crate::{
    Core,
    streams::{StoredFrame, StreamReader},
};

/// What a tab wants to follow, and from where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LiveRequest {
    /// A conversation and the place seen.
    pub conversation: Option<(ConversationId, i64)>,
    /// A run of that conversation and the place seen.
    pub run: Option<(RunId, i64)>,
    /// The organization's place seen; the present one when left out.
    pub organization: Option<i64>,
}

/// Which of a tab's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveSource {
    /// A run's.
    Run(RunId),
    /// The conversation's.
    Conversation(ConversationId),
    /// The organization's.
    Organization(OrgId),
}

/// A frame of one of a tab's streams.
#[derive(Debug, Clone)]
pub struct LiveFrame {
    /// Which stream.
    pub source: LiveSource,
    /// The frame.
    pub frame: StoredFrame,
}

/// Opens live streams.
#[derive(Clone)]
pub struct Live {
    core: Arc<Core>,
}

/// A tab's stream.
pub struct LiveReader {
    core: Arc<Core>,
    user: UserId,
    conversation: Option<(ConversationId, StreamReader)>,
    run: Option<(RunId, StreamReader)>,
    /// Runs that the conversation told of while another was being read.
    upcoming: VecDeque<RunId>,
    /// What the conversation tells once the run that it speaks of has been read to its end.
    later: VecDeque<StoredFrame>,
    organization: (OrgId, StreamReader),
}

impl Live {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Opens a tab's stream.
    ///
    /// # Errors
    /// Not found when conversation or run are not the caller's; `cursor_ahead` beyond the end of one of them.
    pub async fn open(&self, ctx: &Ctx, request: LiveRequest) -> Result<LiveReader> {
        let db = &self.core.db;
        let (org, user) = (ctx.allow(domain::access::Permission::ReadChat)?, ctx.user()?);
        let conversation = match request.conversation {
            Some((id, after)) => {
                let found = storage::chat::find(db, org, user, id).await?;
                found.ok_or(domain::Error::NotFound("conversation"))?;
                Some((id, StreamReader::open(db, Stream::Conversation(id), after).await?))
            }
            None => None,
        };
        let run = match request.run {
            Some((id, after)) => {
                self.core.own_run(ctx, id).await?;
                Some((id, StreamReader::open(db, Stream::Run(id), after).await?))
            }
            None => None,
        };
        let stream = Stream::Organization(org);
        let after = match request.organization {
            Some(after) => after,
            None => storage::events::last_seq(db, stream).await?.unwrap_or(0),
        };
        let organization = (org, StreamReader::open(db, stream, after).await?);
        Ok(LiveReader { core: Arc::clone(&self.core), user, conversation, run, upcoming: VecDeque::new(), later: VecDeque::new(), organization })
    }
}

async fn next_of<K: Copy>(reader: &mut Option<(K, StreamReader)>) -> Result<(K, Vec<StoredFrame>)> {
    if let Some((key, reader)) = reader
        && let Some(frames) = reader.next().await?
    {
        return Ok((*key, frames));
    }
    std::future::pending().await
}

impl LiveReader {
    /// The next frames. May be dropped and called again.
    pub async fn next(&mut self) -> Result<Vec<LiveFrame>> {
        loop {
            self.follow().await?;
            let held_back = !self.later.is_empty();
            let (source, frames) = match self.conversation.as_ref().map(|(id, _)| LiveSource::Conversation(*id)) {
                Some(source) if held_back && self.is_between_runs() => (source, self.later.drain(..).collect()),
                _ => tokio::select! {
                    biased;
                    next = next_of(&mut self.run) => { let (id, frames) = next?; (LiveSource::Run(id), frames) }
                    next = next_of(&mut self.conversation), if !held_back => { let (id, frames) = next?; (LiveSource::Conversation(id), frames) }
                    next = self.organization.1.next() => (LiveSource::Organization(self.organization.0), next?.unwrap_or_default()),
                },
            };
            let mut told = Vec::with_capacity(frames.len());
            for frame in frames {
                if matches!(source, LiveSource::Conversation(_)) && (!self.later.is_empty() || self.is_early(&frame)) {
                    self.later.push_back(frame);
                } else if self.concerns(source, &frame) {
                    told.push(LiveFrame { source, frame });
                }
            }
            if !told.is_empty() {
                return Ok(told);
            }
        }
    }

    /// Whether no run is being read that has more to show.
    fn is_between_runs(&self) -> bool {
        self.upcoming.is_empty() && self.run.as_ref().is_none_or(|(_, reader)| reader.is_at_end())
    }

    /// Whether a conversation's frame tells of the end of a run that was not read to its end.
    fn is_early(&self, frame: &StoredFrame) -> bool {
        match frame.read().map(|frame| frame.event) {
            Some(StreamEvent::RunEnded(ended)) => {
                self.upcoming.contains(&ended.run_id) || self.run.as_ref().is_some_and(|(id, reader)| *id == ended.run_id && !reader.is_at_end())
            }
            _ => false,
        }
    }

    /// Where the tab is in each stream: conversation, run, organization.
    pub fn cursors(&self) -> (Option<i64>, Option<(RunId, i64)>, i64) {
        (
            self.conversation.as_ref().map(|(_, reader)| self.later.front().map_or(reader.cursor(), |frame| frame.seq - 1)),
            self.run.as_ref().map(|(id, reader)| (*id, reader.cursor())),
            self.organization.1.cursor(),
        )
    }

    /// Goes over to the next run once the present one has been read to its end.
    async fn follow(&mut self) -> Result<()> {
        while self.run.as_ref().is_none_or(|(_, reader)| reader.is_at_end()) {
            let Some(id) = self.upcoming.pop_front() else { return Ok(()) };
            self.run = Some((id, StreamReader::open(&self.core.db, Stream::Run(id), 0).await?));
        }
        Ok(())
    }

    /// Notes runs to follow; drops what is about other people's private conversations.
    fn concerns(&mut self, source: LiveSource, frame: &StoredFrame) -> bool {
        match source {
            LiveSource::Run(_) => true,
            LiveSource::Conversation(_) => {
                if let Some(StreamEvent::RunQueued(queued)) = frame.read().map(|f| f.event)
                    && self.run.as_ref().is_none_or(|(id, _)| *id != queued.run_id)
                {
                    self.upcoming.push_back(queued.run_id);
                }
                true
            }
            LiveSource::Organization(_) => match frame.read().map(|f| f.event) {
                Some(StreamEvent::ConversationChanged(changed)) => changed.user_id == self.user,
                _ => true,
            },
        }
    }
}
