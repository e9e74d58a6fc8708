//! One model call: its stream becomes frames as it comes, and a recorded step when it is whole.
//!
//! Every piece is shown together with the place after it, so whenever the process dies, what readers have
//! and where the call can go on are one and the same.

use std::{future::pending, pin::Pin, time::Duration};

use contracts::{
    StreamEvent,
    stream::{Citation, MessageCompleted, MessageDelta, MessageStarted, ReasoningDelta},
};
use domain::ids::MessageId;
use futures::StreamExt as _;
use tokio::time::Sleep;

use super::{
    resume::OpenMessage,
    steps::{ModelOutput, model_key, record},
    turn::{Driver, TurnEnd},
};
use crate::ports::{Finish, InFlight, Interrupt, ModelCall, ModelChunk, ModelError, ModelEvent, ModelResume, ModelStream, StepCommit, ToolCall};

/// How long an accepted call may be silent before its place is kept without a frame. Usually the first token comes
/// sooner, and a write of its own would only hold that up.
const SILENCE: Duration = Duration::from_millis(200);

/// How long a stop may take to reach the provider before it is shown all the same.
const LETTING_GO: Duration = Duration::from_secs(1);

/// Makes model call `n`, or goes on with it where it was cut.
pub(super) async fn ask(driver: &mut Driver, n: u32) -> Result<ModelOutput, TurnEnd> {
    let call = driver.model_call(n);
    let key = model_key(n);
    let kept = driver.in_flight.take().filter(|kept| kept.key == key);
    let Some((kept, resume)) = kept.and_then(|kept| driver.open.resume(&kept, &*driver.turn.model).map(|resume| (kept, resume))) else {
        return Writing::anew(driver, key).read(call, None).await;
    };
    let mut writing = Writing { driver, in_flight: kept, received: false, silence: None };
    let end = writing.read(call.clone(), Some(resume)).await;
    let refused = !writing.received && matches!(end, Err(TurnEnd::Failed { retryable: false, .. }));
    // The provider has forgotten the call: what was promised does not hold, so it starts anew.
    if refused { Writing::anew(driver, key).read(call, None).await } else { end }
}

enum Next {
    Chunk(ModelChunk),
    Silence,
}

struct Writing<'a> {
    driver: &'a mut Driver,
    in_flight: InFlight,
    received: bool,
    silence: Option<Pin<Box<Sleep>>>,
}

impl<'a> Writing<'a> {
    fn anew(driver: &'a mut Driver, key: String) -> Self {
        if let Some(message) = &mut driver.open.message {
            message.void = true;
        }
        Self { driver, in_flight: InFlight { key, ..InFlight::default() }, received: false, silence: None }
    }

    async fn read(&mut self, call: ModelCall, resume: Option<ModelResume>) -> Result<ModelOutput, TurnEnd> {
        let end = self.listen(call, resume).await;
        // After a drain or a lost lease another worker picks the response up; after a stop nobody does.
        if let (Err(TurnEnd::Interrupted(Interrupt::Cancelled | Interrupt::TimedOut)), Some(response_id)) = (&end, &self.in_flight.response_id) {
            // Unreached, the provider writes to its end in vain: nothing more is lost.
            let _ = tokio::time::timeout(LETTING_GO, self.driver.turn.model.cancel(response_id)).await;
        }
        end
    }

    async fn listen(&mut self, call: ModelCall, resume: Option<ModelResume>) -> Result<ModelOutput, TurnEnd> {
        let mut stream = self.driver.turn.model.stream(call, resume);
        loop {
            match self.next(&mut stream).await? {
                Next::Silence => self.keep_place().await?,
                Next::Chunk(chunk) => {
                    if let Some(finish) = self.take(chunk).await? {
                        return self.complete(finish).await;
                    }
                }
            }
        }
    }

    async fn next(&mut self, stream: &mut ModelStream) -> Result<Next, TurnEnd> {
        let silence = &mut self.silence;
        let silent = async {
            match silence {
                Some(sleep) => sleep.await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            interrupt = self.driver.interrupts.next() => Err(TurnEnd::Interrupted(interrupt)),
            chunk = stream.next() => match chunk {
                Some(Ok(chunk)) => Ok(Next::Chunk(chunk)),
                Some(Err(error)) => Err(error.into()),
                None => Err(cut().into()),
            },
            () = silent => Ok(Next::Silence),
        }
    }

    /// Takes one chunk; gives why the model stopped, when it did.
    async fn take(&mut self, chunk: ModelChunk) -> Result<Option<Finish>, TurnEnd> {
        self.received = true;
        self.in_flight.cursor = chunk.cursor;
        match chunk.event {
            ModelEvent::Opened { response_id: Some(response_id) } => {
                self.in_flight.response_id = Some(response_id);
                self.silence = Some(Box::pin(tokio::time::sleep(SILENCE)));
            }
            ModelEvent::Opened { response_id: None } => {}
            ModelEvent::Text { text } => self.write(text).await?,
            ModelEvent::Refusal { text } => {
                self.in_flight.refusal = true;
                self.write(text).await?;
            }
            ModelEvent::Reasoning { text } if text.is_empty() => {}
            ModelEvent::Reasoning { text } => self.show(|message| ReasoningDelta { message_id: message.id, text }.into()).await?,
            ModelEvent::Citation { number, title, url } => {
                self.show(|message| Citation { message_id: message.id, number, title, url }.into()).await?;
            }
            ModelEvent::ToolCall { call_id, name, arguments } => {
                let call_id = self.unused(call_id);
                self.in_flight.calls.push(ToolCall { call_id, name, arguments });
            }
            ModelEvent::Usage { usage } => self.in_flight.usage = Some(usage),
            ModelEvent::Finished { finish } => return Ok(Some(finish)),
        }
        Ok(None)
    }

    async fn write(&mut self, text: String) -> Result<(), TurnEnd> {
        if text.is_empty() {
            return Ok(());
        }
        let refusal = self.in_flight.refusal;
        self.show(|message| {
            message.text.push_str(&text);
            message.refusal = refusal;
            MessageDelta { message_id: message.id, text }.into()
        })
        .await
    }

    /// Shows a piece of the message, which it opens or starts anew as needed, with the place after it.
    async fn show(&mut self, piece: impl FnOnce(&mut OpenMessage) -> StreamEvent) -> Result<(), TurnEnd> {
        let mut events = Vec::with_capacity(1);
        let open = &mut self.driver.open;
        open.reset(&mut events);
        let turn = &self.driver.turn;
        let message = open.message.get_or_insert_with(|| {
            let message_id: MessageId = turn.ctx.new_id();
            events.push(MessageStarted { message_id, agent: turn.agent.title.clone() }.into());
            OpenMessage::new(message_id)
        });
        self.in_flight.message_id = Some(message.id);
        events.push(piece(message));
        self.silence = None;
        Ok(self.driver.turn.sink.show(events, Some(self.in_flight.clone())).await?)
    }

    /// Keeps the place of a call that has shown nothing yet: the provider may be thinking for long.
    async fn keep_place(&mut self) -> Result<(), TurnEnd> {
        self.silence = None;
        let mut events = Vec::new();
        // The new place must not be kept beside the old text.
        self.driver.open.reset(&mut events);
        self.in_flight.message_id = self.driver.open.message.as_ref().map(|message| message.id);
        Ok(self.driver.turn.sink.show(events, Some(self.in_flight.clone())).await?)
    }

    /// The call's id, or one like it when the run or the conversation has used it already: some servers count from 0 in
    /// every answer. The same answer always gets the same ids.
    fn unused(&self, call_id: String) -> String {
        let taken = |id: &str| id.is_empty() || self.driver.call_ids.contains(id) || self.in_flight.calls.iter().any(|call| call.call_id == id);
        if !taken(&call_id) {
            return call_id;
        }
        let stem = if call_id.is_empty() { "call" } else { &call_id };
        (1..=u32::MAX).map(|n| format!("{stem}_{n}")).find(|id| !taken(id)).unwrap_or(call_id)
    }

    /// Records the answer and completes its message.
    async fn complete(&mut self, finish: Finish) -> Result<ModelOutput, TurnEnd> {
        let mut events = Vec::with_capacity(3);
        self.driver.open.reset(&mut events);
        let message = self.driver.open.message.take();
        let calls = std::mem::take(&mut self.in_flight.calls);
        let mut output = ModelOutput { message_id: None, text: String::new(), refusal: self.in_flight.refusal, calls, finish };
        if let Some(OpenMessage { id, text, refusal, .. }) = message {
            output.message_id = Some(id);
            output.text.clone_from(&text);
            events.push(MessageCompleted { message_id: id, text, partial: finish != Finish::Done, refusal }.into());
        }
        let usage = self.in_flight.usage.take().map(|usage| self.driver.turn.price(usage));
        events.extend(usage.as_ref().map(Into::into));
        let step = Some(record(self.in_flight.key.clone(), &output)?);
        self.driver.turn.sink.commit(StepCommit { step, events, usage }).await?;
        Ok(output)
    }
}

fn cut() -> ModelError {
    ModelError { code: "model_cut", message: "The connection to the model was cut.".into(), retryable: true, retry_after: None }
}
