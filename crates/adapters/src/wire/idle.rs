//! How long a silent provider is waited for.
//!
//! The timer is set once and looked at again only when it fires: a chunk costs one reading of the clock.

use std::{pin::Pin, time::Duration};

use tokio::time::{Instant, Sleep, sleep_until};

/// How many idle times a connection may be kept alive by nothing but comments.
const PATIENCE: u32 = 10;

/// Watches one connection.
#[derive(Debug)]
pub(crate) struct Idle {
    limit: Duration,
    last_byte: Instant,
    last_event: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Idle {
    /// Starts to watch.
    pub(crate) fn new(limit: Duration) -> Self {
        let now = Instant::now();
        Self { limit, last_byte: now, last_event: now, timer: Box::pin(sleep_until(now + limit)) }
    }

    /// How long it waits.
    pub(crate) const fn limit(&self) -> Duration {
        self.limit
    }

    /// Bytes came; perhaps with an event.
    pub(crate) fn touch(&mut self, event: bool) {
        self.last_byte = Instant::now();
        if event {
            self.last_event = self.last_byte;
        }
    }

    /// Waits at most so long from now on.
    pub(crate) fn hurry(&mut self, limit: Duration) {
        self.limit = self.limit.min(limit);
        self.timer.as_mut().reset(Instant::now() + self.limit);
    }

    /// What the future gives; `None` when the provider is silent for too long.
    pub(crate) async fn guard<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let deadline = (self.last_byte + self.limit).min(self.last_event + self.limit * PATIENCE);
        let timer = &mut self.timer;
        let expired = async {
            while Instant::now() < deadline {
                timer.as_mut().await;
                if timer.deadline() < deadline {
                    timer.as_mut().reset(deadline);
                }
            }
        };
        tokio::select! {
            biased;
            output = future => Some(output),
            () = expired => None,
        }
    }
}
