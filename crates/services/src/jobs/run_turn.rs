//! The job behind a chat turn: loads what the run has so far, lets the engine go on from there, and settles how it ended.

use std::{sync::Arc, time::Duration};

use contracts::{
    runs::RunError,
    stream::{RunResumed, RunStarted},
};
use domain::{Actor, Ctx, Error, Membership, Result, access::Role, chat::Author, runs::Ending};
use engine::{
    agent::{Turn, TurnEnd, run_turn},
    ports::{InputItem, Interrupt, RecordedStep, Search, SearchHit, Sink as _, SinkError, Speaker},
    tools::ToolBox,
};
use storage::{
    claim::Claimed,
    runs::{NewJob, RunRow},
    wake::Topic,
};
use tokio::sync::watch;

use super::outcome::{self, Outcome, POLICY};
use crate::{
    Core,
    chat::transcript::{fold, history},
    publish::{LogSink, RunLog},
    runs::LastWord,
};

/// One attempt under a lease.
struct Attempt<'a> {
    core: &'a Arc<Core>,
    claimed: &'a Claimed,
    run: RunRow,
    log: Arc<RunLog>,
}

/// Does one attempt.
pub(super) async fn execute(core: &Arc<Core>, claimed: &Claimed, interrupt: watch::Receiver<Option<Interrupt>>) -> Result<Outcome> {
    let run = claimed.lease.run.ok_or_else(|| Error::internal("a turn without a run"))?;
    let run = storage::runs::find(&core.db, run).await?.ok_or_else(|| Error::internal("the run is gone"))?;
    let kept = fold(&core.db, run.id).await?;
    let first = if kept.last_seq == 0 {
        RunStarted { run_id: run.id, run_kind: run.kind, agent: core.agent_title(&run.agent) }.into()
    } else {
        RunResumed { attempt: claimed.attempt }.into()
    };
    let log = core.publisher.log(claimed.lease, run.clone(), kept);
    let attempt = Attempt { core, claimed, run, log };
    let sink = LogSink(Arc::clone(&attempt.log));
    let end = match sink.show(vec![first], None).await {
        Ok(()) if attempt.run.cancel_requested => TurnEnd::Interrupted(Interrupt::Cancelled),
        Ok(()) => run_turn(attempt.turn(interrupt).await?).await,
        Err(error) => error.into(),
    };
    attempt.settle(end).await
}

impl Attempt<'_> {
    async fn turn(&self, interrupt: watch::Receiver<Option<Interrupt>>) -> Result<Turn> {
        let Self { core, claimed, run, log } = self;
        let conversation = run.conversation.ok_or_else(|| Error::internal("a turn without a conversation"))?;
        let said = history(&core.db, conversation, run.id).await?;
        let recorded = storage::runs::steps(&core.db, run.id).await?;
        let recorded = recorded
            .into_iter()
            .map(|step| Ok(RecordedStep { key: step.key, output: serde_json::from_str(&step.output).map_err(Error::internal)? }))
            .collect::<Result<_>>()?;
        let in_flight = run.in_flight.as_deref().map(serde_json::from_str).transpose().map_err(Error::internal)?;
        // The turn acts for the person who asked, and reaches no further than they do.
        let membership = Membership { org: run.org, role: Role::Member };
        let ctx = Ctx::new(Actor::System("turn"), Some(membership), run.id.to_string(), Arc::clone(&core.clock), Arc::clone(&core.ids));
        Ok(Turn {
            ctx,
            run_id: run.id,
            agent: Arc::clone(core.agent(Some(&run.agent))?),
            history: said.into_iter().map(input_item).collect(),
            recorded,
            in_flight,
            kept: log.transcript(),
            model: Arc::clone(&core.models.model),
            model_name: core.models.name.clone(),
            price: (core.models.price)(&core.models.name),
            tools: ToolBox::builtin(Arc::new(OwnConversations { core: Arc::clone(core), run: run.clone() })),
            sink: Arc::new(LogSink(Arc::clone(log))),
            interrupt,
            last_attempt: claimed.attempt >= POLICY.max_attempts,
        })
    }

    async fn settle(&self, end: TurnEnd) -> Result<Outcome> {
        match end {
            TurnEnd::Succeeded { .. } => self.finish(Ending::Succeeded, None).await,
            TurnEnd::Interrupted(Interrupt::Cancelled) => self.finish(Ending::Cancelled, None).await,
            TurnEnd::Interrupted(Interrupt::TimedOut) => {
                let error = RunError { code: "timed_out".to_owned(), message: "The answer took longer than the agent is allowed to.".to_owned() };
                self.finish(Ending::TimedOut, Some(error)).await
            }
            TurnEnd::Interrupted(Interrupt::LeaseLost) => Ok(Outcome::Settled),
            TurnEnd::Interrupted(Interrupt::Draining) => {
                self.log.flush().await.map_err(store_error)?;
                outcome::release(&self.core.db, self.claimed.lease).await?;
                Ok(Outcome::Settled)
            }
            TurnEnd::Failed { error, retryable, retry_after } => match outcome::pause(self.claimed, retry_after).filter(|_| retryable) {
                Some(pause) => self.retry(&error, pause).await,
                None => self.finish(Ending::Failed, Some(error)).await,
            },
            TurnEnd::StoreFailed(error) => Err(error),
        }
    }

    async fn retry(&self, error: &RunError, pause: Duration) -> Result<Outcome> {
        tracing::info!(run.id = %self.run.id, code = error.code, pause_ms = pause.as_millis(), "the attempt failed; another follows");
        self.log.flush().await.map_err(store_error)?;
        let mut tx = self.core.db.begin().await?;
        let at = tx.now().await?.plus(pause);
        storage::runs::retry(&mut tx, self.claimed.lease, at, &error.code).await?;
        tx.commit().await?;
        self.core.db.wake().tell(Topic::Jobs);
        Ok(Outcome::Settled)
    }

    async fn finish(&self, ending: Ending, error: Option<RunError>) -> Result<Outcome> {
        let Self { core, claimed, run, log } = self;
        log.flush().await.map_err(store_error)?;
        let mut tx = core.db.begin().await?;
        let last = LastWord { run, transcript: log.transcript(), ending, error: error.as_ref() };
        let told = core.end_held(&mut tx, claimed.lease, last).await?;
        let titled = ending == Ending::Succeeded && ask_for_title(core, &mut tx, run).await?;
        tx.commit().await?;
        core.told(&told);
        if titled {
            core.db.wake().tell(Topic::Jobs);
        }
        tracing::info!(run.id = %run.id, status = ending.status().as_str(), "the run has ended");
        Ok(Outcome::Settled)
    }
}

fn store_error(error: SinkError) -> Error {
    match error {
        SinkError::LeaseLost => Error::LeaseLost,
        SinkError::Store(error) => error,
    }
}

fn input_item(message: storage::chat::MessageRow) -> InputItem {
    let speaker = match message.author {
        Author::User => Speaker::User,
        Author::Agent => Speaker::Agent,
    };
    InputItem::Message { speaker, text: message.text }
}

/// The first good answer gives the conversation its title, in a job of its own.
async fn ask_for_title(core: &Core, tx: &mut storage::Tx, run: &RunRow) -> Result<bool> {
    let Some(conversation) = run.conversation else { return Ok(false) };
    if !storage::chat::is_draft(tx, conversation).await? {
        return Ok(false);
    }
    let payload = serde_json::json!({ "conversation": conversation, "run": run.id, "user": run.user }).to_string();
    let id = domain::ids::JobId::from(core.ids.fresh(core.clock.now()));
    let job = NewJob { org: Some(run.org), unique_key: Some(format!("title:{conversation}")), ..NewJob::new(id, super::MAKE_TITLE, payload) };
    Ok(storage::runs::enqueue(tx, &job).await?)
}

/// Finds what the person who asked has said and heard.
struct OwnConversations {
    core: Arc<Core>,
    run: RunRow,
}

#[async_trait::async_trait]
impl Search for OwnConversations {
    async fn search(&self, query: &str, limit: usize) -> Result<Vec<SearchHit>> {
        let limit = i64::try_from(limit).unwrap_or(20);
        // The question itself holds the words too.
        let hits = storage::search::messages(&self.core.db, self.run.org, self.run.user, query, limit + 1).await?;
        Ok(hits
            .into_iter()
            .filter(|hit| Some(hit.conversation) != self.run.conversation)
            .map(|hit| SearchHit { conversation_id: hit.conversation, title: hit.title, excerpt: excerpt(&hit.text, query), at: hit.at })
            .collect())
    }
}

/// About 200 characters around the first match.
fn excerpt(text: &str, query: &str) -> String {
    let lower = text.to_lowercase();
    let at = lower.find(&query.to_lowercase()).unwrap_or(0).min(text.len());
    let before = text.char_indices().map(|(i, _)| i).rfind(|i| *i + 80 <= at).unwrap_or(0);
    let start = text.get(before..).unwrap_or(text);
    let piece: String = start.chars().take(200).collect();
    let (head, tail) = (if before > 0 { "…" } else { "" }, if piece.len() < start.len() { "…" } else { "" });
    format!("{head}{piece}{tail}")
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn excerpts_show_the_match() {
        let text = format!("{} NEEDLE {}", "hay ".repeat(200), "ß ".repeat(200));
        let shown = excerpt(&text, "needle");
        assert!(shown.contains("NEEDLE") && shown.starts_with('…') && shown.ends_with('…'), "{shown}");
        assert_eq!(excerpt("short", "x"), "short");
    }
}
