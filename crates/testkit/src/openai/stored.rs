//! Background responses: they go on by themselves, and whoever comes back gets what is missing.
//!
//! Nothing really runs: a response's events are known from the start, and each is due at its time.

use std::collections::HashMap;

use tokio::time::Instant;

use super::{
    script::Script,
    send::{self, Frame, Plan},
};

/// One background response.
#[derive(Debug, Clone)]
pub(super) struct Background {
    script: Script,
    frames: Vec<Frame>,
    started: Instant,
    cancelled: bool,
}

/// All background responses, by id.
#[derive(Debug, Default)]
pub(super) struct Stored {
    by_id: HashMap<String, Background>,
}

impl Stored {
    pub(super) fn keep(&mut self, id: String, script: Script, frames: Vec<Frame>, started: Instant) {
        self.by_id.insert(id, Background { script, frames, started, cancelled: false });
    }

    /// The rest of a response after an event, and when it began.
    pub(super) fn after(&self, id: &str, after: u64) -> Option<(Plan, Instant)> {
        let stored = self.by_id.get(id).filter(|stored| !stored.cancelled)?;
        Some((send::plan(&stored.script, &stored.frames, Some(after)), stored.started))
    }

    pub(super) fn cancel(&mut self, id: &str) -> bool {
        self.by_id.get_mut(id).map(|stored| stored.cancelled = true).is_some()
    }

    /// The provider has forgotten every response.
    pub(super) fn forget(&mut self) {
        self.by_id.clear();
    }
}
