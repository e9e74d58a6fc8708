//! The loop of one turn: ask the model, make the calls that it asks for, again, until it has answered.
//!
//! The caller shows `run.started`, `run.resumed` and `run.finished`; everything between is shown here.
//! Whenever a turn ends for good, it leaves nothing open; when it is to go on later, it leaves all as it is.

use std::{collections::HashSet, fmt, sync::Arc, time::Duration};

use contracts::{StreamEvent, runs::RunError, stream::UsageReported, transcript::Transcript};
use domain::{
    Ctx,
    billing::{Price, TokenUsage},
    ids::RunId,
};
use tokio::sync::watch;

use super::{
    answer, calls, context,
    definition::AgentDefinition,
    interrupts::Interrupts,
    resume::Open,
    steps::{ModelOutput, Recorded, ToolRecord, model_key},
};
use crate::{
    ports::{Finish, InFlight, InputItem, Interrupt, ModelCall, ModelError, RecordedStep, SharedModel, Sink, SinkError, StepCommit, StepUsage, ToolCall},
    tools::ToolBox,
};

/// Everything that one attempt at a turn needs.
pub struct Turn {
    /// On whose behalf, and the only doors to time and ids.
    pub ctx: Ctx,
    /// The run.
    pub run_id: RunId,
    /// The agent.
    pub agent: Arc<AgentDefinition>,
    /// What was said before and what is asked now, oldest first. The same at every attempt.
    pub history: Vec<InputItem>,
    /// The steps that earlier attempts recorded.
    pub recorded: Vec<RecordedStep>,
    /// The model call that an earlier attempt was cut in.
    pub in_flight: Option<InFlight>,
    /// What earlier attempts have shown.
    pub kept: Transcript,
    /// The model.
    pub model: SharedModel,
    /// Its name at the provider.
    pub model_name: String,
    /// Its price.
    pub price: Price,
    /// Every tool there is: the agent gets those that its definition names.
    pub tools: ToolBox,
    /// Takes what the turn shows and records.
    pub sink: Arc<dyn Sink>,
    /// What stops the turn from outside.
    pub interrupt: watch::Receiver<Option<Interrupt>>,
    /// Whether nobody will try again: a failure then ends what is open even if trying again might help.
    pub last_attempt: bool,
}

/// How an attempt at a turn ended.
#[derive(Debug)]
pub enum TurnEnd {
    /// The agent has answered.
    Succeeded {
        /// Its last message.
        text: String,
    },
    /// It failed.
    Failed {
        /// Why.
        error: RunError,
        /// Whether another attempt may get further: until then the message stays open.
        retryable: bool,
        /// When the model's provider said to try again.
        retry_after: Option<Duration>,
    },
    /// It was stopped from outside. What was open is closed after `Cancelled` and `TimedOut`, and left as it is
    /// after `Draining` and `LeaseLost`.
    Interrupted(Interrupt),
    /// The store failed: what is stored so far counts, and the next attempt goes on from there.
    StoreFailed(domain::Error),
}

impl TurnEnd {
    /// A failure that trying again would not mend.
    pub(super) fn failed(code: &str, message: impl Into<String>) -> Self {
        Self::Failed { error: RunError { code: code.to_owned(), message: message.into() }, retryable: false, retry_after: None }
    }
}

impl From<SinkError> for TurnEnd {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::LeaseLost | SinkError::Store(domain::Error::LeaseLost) => Self::Interrupted(Interrupt::LeaseLost),
            SinkError::Store(error) => Self::StoreFailed(error),
        }
    }
}

impl From<ModelError> for TurnEnd {
    fn from(error: ModelError) -> Self {
        let ModelError { code, message, retryable, retry_after } = error;
        tracing::warn!(code, message, retryable, "a model call failed");
        Self::Failed { error: RunError { code: code.to_owned(), message }, retryable, retry_after }
    }
}

/// Runs one attempt at a turn, from wherever the last one left off.
#[tracing::instrument(name = "engine.turn", skip_all, fields(run.id = %turn.run_id, agent = turn.agent.name))]
pub async fn run_turn(turn: Turn) -> TurnEnd {
    let mut driver = match Driver::new(turn) {
        Ok(driver) => driver,
        Err(end) => return end,
    };
    match driver.drive().await {
        Ok(text) => TurnEnd::Succeeded { text },
        Err(end) => driver.conclude(end).await,
    }
}

/// A turn under way.
pub(super) struct Driver {
    pub turn: Turn,
    pub tools: ToolBox,
    pub interrupts: Interrupts,
    pub recorded: Recorded,
    pub in_flight: Option<InFlight>,
    pub open: Open,
    /// What this turn has added to the conversation.
    pub said: Vec<InputItem>,
    /// Ids of calls that are taken.
    pub call_ids: HashSet<String>,
}

impl Driver {
    fn new(mut turn: Turn) -> Result<Self, TurnEnd> {
        let tools = turn.tools.pick(&turn.agent.tools).map_err(|unknown| TurnEnd::failed("agent_invalid", format!("The agent cannot run: {unknown}.")))?;
        let call_id = |item: &InputItem| match item {
            InputItem::ToolCall { call_id, .. } => Some(call_id.clone()),
            _ => None,
        };
        Ok(Self {
            tools,
            interrupts: Interrupts::new(turn.interrupt.clone()),
            recorded: Recorded::new(std::mem::take(&mut turn.recorded)),
            in_flight: turn.in_flight.take(),
            open: Open::of(&turn.kept, turn.ctx.now()),
            said: Vec::new(),
            call_ids: turn.history.iter().filter_map(call_id).collect(),
            turn,
        })
    }

    async fn drive(&mut self) -> Result<String, TurnEnd> {
        let max_steps = self.turn.agent.budgets.max_steps;
        for n in 0..max_steps {
            self.interrupts.check()?;
            let output = match self.recorded.take(&model_key(n))? {
                Some(output) => output,
                None => answer::ask(self, n).await?,
            };
            if let Some(text) = answered(&output)? {
                return Ok(text);
            }
            // Nobody would read what the tools of the last call give.
            if n + 1 < max_steps {
                let records = calls::make(self, n, &output.calls).await?;
                self.remember(&output, records);
            }
        }
        Err(TurnEnd::failed("step_limit", format!("The agent did not come to an answer within its limit of {max_steps} steps.")))
    }

    fn remember(&mut self, output: &ModelOutput, records: Vec<ToolRecord>) {
        self.call_ids.extend(output.calls.iter().map(|call| call.call_id.clone()));
        self.said.extend(output.as_input());
        let results = output.calls.iter().zip(records);
        self.said.extend(results.map(|(ToolCall { call_id, .. }, record)| InputItem::ToolOutput { call_id: call_id.clone(), output: record.output }));
    }

    /// What the model is asked in call `n`.
    pub(super) fn model_call(&self, n: u32) -> ModelCall {
        let Turn { run_id, agent, history, model_name, .. } = &self.turn;
        let input = history.iter().chain(&self.said).cloned().collect();
        ModelCall {
            model: model_name.clone(),
            instructions: agent.prompt.clone(),
            input: context::fit(input, agent.budgets.max_input_tokens as usize),
            tools: self.tools.specs(),
            output_schema: None,
            max_output_tokens: Some(agent.budgets.max_output_tokens),
            key: format!("{run_id}:{}", model_key(n)),
        }
    }

    /// Closes what is open when nobody will go on.
    async fn conclude(&mut self, end: TurnEnd) -> TurnEnd {
        let for_good = match &end {
            TurnEnd::Interrupted(Interrupt::Cancelled | Interrupt::TimedOut) => true,
            TurnEnd::Failed { retryable, .. } => !retryable || self.turn.last_attempt,
            _ => false,
        };
        if !for_good {
            return end;
        }
        let events = self.open.closing(self.turn.ctx.now());
        if events.is_empty() {
            return end;
        }
        match self.turn.sink.commit(StepCommit { events, ..StepCommit::default() }).await {
            Ok(()) => end,
            Err(error) => error.into(),
        }
    }
}

/// The answer, when an output is one; `None` when tools come first.
fn answered(output: &ModelOutput) -> Result<Option<String>, TurnEnd> {
    match output.finish {
        Finish::Length => Err(TurnEnd::failed("output_limit", "The answer was cut short: it reached the most that the agent may write at once.")),
        Finish::Filtered => Err(TurnEnd::failed("model_filtered", "The model's provider stopped the answer with its content filter.")),
        Finish::Done if !output.calls.is_empty() => Ok(None),
        Finish::Done if output.text.trim().is_empty() => Err(TurnEnd::failed("model_empty", "The model gave no answer. Please try again.")),
        Finish::Done => Ok(Some(output.text.clone())),
    }
}

impl Turn {
    /// What tokens cost: nothing when nothing real answers.
    pub(super) fn price(&self, usage: TokenUsage) -> StepUsage {
        StepUsage::of(&self.model, &self.model_name, self.price, usage)
    }
}

impl StepUsage {
    /// What a call of a model used, priced: nothing when nothing real answers.
    pub fn of(model: &SharedModel, name: &str, price: Price, usage: TokenUsage) -> Self {
        let simulated = model.info(name).simulated;
        let cost_micros = if simulated { 0 } else { price.cost(usage).0 };
        Self { model: name.to_owned(), usage, cost_micros, simulated }
    }
}

impl From<&StepUsage> for StreamEvent {
    fn from(used: &StepUsage) -> Self {
        let TokenUsage { input, cached, output, reasoning } = used.usage;
        UsageReported {
            model: used.model.clone(),
            input_tokens: input,
            cached_tokens: cached,
            output_tokens: output,
            reasoning_tokens: reasoning,
            cost_micros: used.cost_micros,
            simulated: used.simulated,
        }
        .into()
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("run_id", &self.run_id).field("agent", &self.agent.name).finish_non_exhaustive()
    }
}
