//! What stops a turn from outside. An interrupt is heeded once; a later, different one counts again.

use std::future::pending;

use tokio::sync::watch;

use super::turn::TurnEnd;
use crate::ports::Interrupt;

#[derive(Debug)]
pub(super) struct Interrupts {
    receiver: watch::Receiver<Option<Interrupt>>,
    heeded: Option<Interrupt>,
}

impl Interrupts {
    pub(super) fn new(receiver: watch::Receiver<Option<Interrupt>>) -> Self {
        Self { receiver, heeded: None }
    }

    /// Ends the turn when it is interrupted already.
    pub(super) fn check(&self) -> Result<(), TurnEnd> {
        match *self.receiver.borrow() {
            Some(interrupt) if Some(interrupt) != self.heeded => Err(TurnEnd::Interrupted(interrupt)),
            _ => Ok(()),
        }
    }

    /// Waits for an interrupt that was not heeded yet. May be dropped and called again. Looks before it waits, so that it is
    /// heard even between chunks that are always ready, whatever the runtime's cooperative budget says.
    pub(super) async fn next(&mut self) -> Interrupt {
        loop {
            let present = *self.receiver.borrow_and_update();
            if let Some(interrupt) = present
                && present != self.heeded
            {
                self.heeded = present;
                return interrupt;
            }
            if self.receiver.changed().await.is_err() {
                return pending().await;
            }
        }
    }
}
