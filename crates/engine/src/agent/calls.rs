//! The tool calls that one answer asked for: made side by side, each recorded when it is done.
//!
//! A call that may not be repeated is stored as started before it starts, so that nobody repeats it.

use std::{collections::VecDeque, sync::Arc};

use contracts::{
    StreamEvent,
    stream::{ToolArguments, ToolFinished, ToolOutput, ToolStarted},
};
use domain::{
    Timestamp,
    agents::{Redo, Risk},
};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};

use super::{
    resume::{OpenCall, elapsed_ms},
    steps::{ToolRecord, record, tool_key},
    turn::{Driver, TurnEnd},
};
use crate::{
    ports::{Interrupt, StepCommit, ToolCall},
    tools::{Tool, ToolContext, shorten},
};

/// Calls that run side by side.
const SIDE_BY_SIDE: usize = 4;
/// Most bytes of an output that are shown; the model reads more.
const SHOWN_BYTES: usize = 8_000;

/// Makes the calls of model call `n`, but for those that are recorded. Gives their records in the order of the calls.
pub(super) async fn make(driver: &mut Driver, n: u32, calls: &[ToolCall]) -> Result<Vec<ToolRecord>, TurnEnd> {
    let mut records = Vec::with_capacity(calls.len());
    for call in calls {
        records.push(driver.recorded.take::<ToolRecord>(&tool_key(n, &call.call_id))?);
    }
    let waiting: VecDeque<usize> = (0..calls.len()).filter(|&index| records[index].is_none()).collect();
    for &index in &waiting {
        refuse_to_repeat(driver, &calls[index])?;
    }
    let mut batch = Batch { driver, n, calls, records, waiting, running: FuturesUnordered::new(), unrepeatable: 0, draining: false };
    while batch.advance().await? {}
    Ok(batch.records.into_iter().flatten().collect())
}

/// An unsafe call that was cut in flight may have run: it ends the turn.
fn refuse_to_repeat(driver: &Driver, call: &ToolCall) -> Result<(), TurnEnd> {
    let cut = driver.open.calls.iter().any(|open| open.call_id == call.call_id);
    match driver.tools.find(&call.name) {
        Some(tool) if cut && tool.redo() == Redo::Unsafe => Err(TurnEnd::failed(
            "tool_interrupted",
            format!("“{}” was interrupted and may have run already, so it is not done again by itself. Check, then try again.", tool.title()),
        )),
        _ => Ok(()),
    }
}

struct Batch<'a> {
    driver: &'a mut Driver,
    n: u32,
    calls: &'a [ToolCall],
    records: Vec<Option<ToolRecord>>,
    waiting: VecDeque<usize>,
    running: FuturesUnordered<BoxFuture<'static, (usize, ToolRecord)>>,
    /// Of those that run, how many may not be repeated.
    unrepeatable: usize,
    draining: bool,
}

impl Batch<'_> {
    /// Waits until something happens; `false` when all is done.
    async fn advance(&mut self) -> Result<bool, TurnEnd> {
        while !self.draining
            && self.running.len() < SIDE_BY_SIDE
            && let Some(index) = self.waiting.pop_front()
        {
            self.start(index).await?;
        }
        // A call that may not be repeated is worth a moment; all others are made again elsewhere.
        if self.draining && self.unrepeatable == 0 {
            return Err(TurnEnd::Interrupted(Interrupt::Draining));
        }
        tokio::select! {
            biased;
            interrupt = self.driver.interrupts.next() => match interrupt {
                Interrupt::Draining => self.draining = true,
                other => return Err(TurnEnd::Interrupted(other)),
            },
            done = self.running.next() => match done {
                Some((index, record)) => self.finish(index, record).await?,
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    async fn start(&mut self, index: usize) -> Result<(), TurnEnd> {
        let (driver, call) = (&mut *self.driver, &self.calls[index]);
        let tool = driver.tools.find(&call.name).map(Arc::clone);
        let (title, risk) = tool.as_ref().map_or((call.name.as_str(), Risk::Read), |tool| (tool.title(), tool.risk()));
        let ToolCall { call_id, name, arguments } = call.clone();
        let events: Vec<StreamEvent> = vec![
            ToolStarted { call_id: call_id.clone(), name, title: title.to_owned(), risk }.into(),
            ToolArguments { call_id: call_id.clone(), arguments: arguments.clone() }.into(),
        ];
        driver.open.calls.retain(|open| open.call_id != call_id);
        driver.open.calls.push(OpenCall { call_id: call_id.clone(), since: driver.turn.ctx.now() });
        if tool.as_ref().is_some_and(|tool| tool.redo() == Redo::Unsafe) {
            self.unrepeatable += 1;
            driver.turn.sink.commit(StepCommit { events, ..StepCommit::default() }).await?;
        } else {
            driver.turn.sink.show(events, None).await?;
        }
        let running = match tool {
            Some(tool) => {
                let context = ToolContext { ctx: driver.turn.ctx.clone(), run_id: driver.turn.run_id, call_id };
                call_tool(tool, context, arguments).map(move |record| (index, record)).boxed()
            }
            None => std::future::ready((index, unknown(driver, &call.name))).boxed(),
        };
        self.running.push(running);
        Ok(())
    }

    async fn finish(&mut self, index: usize, outcome: ToolRecord) -> Result<(), TurnEnd> {
        let (driver, call) = (&mut *self.driver, &self.calls[index]);
        if driver.tools.find(&call.name).is_some_and(|tool| tool.redo() == Redo::Unsafe) {
            self.unrepeatable -= 1;
        }
        let now = driver.turn.ctx.now();
        let since: Timestamp = driver.open.calls.iter().find(|open| open.call_id == call.call_id).map_or(now, |open| open.since);
        let call_id = call.call_id.clone();
        let events: Vec<StreamEvent> = vec![
            ToolOutput { call_id: call_id.clone(), output: shorten(outcome.output.clone(), SHOWN_BYTES) }.into(),
            ToolFinished { call_id, ok: outcome.ok, duration_ms: elapsed_ms(now, since) }.into(),
        ];
        let step = Some(record(tool_key(self.n, &call.call_id), &outcome)?);
        driver.turn.sink.commit(StepCommit { step, events, usage: None }).await?;
        driver.open.calls.retain(|open| open.call_id != call.call_id);
        self.records[index] = Some(outcome);
        Ok(())
    }
}

async fn call_tool(tool: Arc<dyn Tool>, context: ToolContext, arguments: String) -> ToolRecord {
    let limit = tool.timeout();
    let (text, ok) = match tokio::time::timeout(limit, tool.call(&context, &arguments)).await {
        Ok(Ok(output)) => (output.text, true),
        Ok(Err(failure)) => (format!("Error: {failure}"), false),
        Err(_) if tool.redo() == Redo::Unsafe => (format!("Error: it took longer than {limit:?} and was stopped. It may have taken effect."), false),
        Err(_) => (format!("Error: it took longer than {limit:?} and was stopped."), false),
    };
    ToolRecord { output: shorten(text, tool.output_cap()), ok }
}

fn unknown(driver: &Driver, name: &str) -> ToolRecord {
    let names: Vec<String> = driver.tools.specs().into_iter().map(|spec| spec.name).collect();
    let offer = if names.is_empty() { "You have no tools.".to_owned() } else { format!("You have: {}.", names.join(", ")) };
    ToolRecord { output: format!("Error: there is no tool `{}`. {offer}", shorten(name.to_owned(), 100)), ok: false }
}
