//! The real clock and the real source of ids: the only places that ask the system for either.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use domain::{Clock, Ids, Timestamp};
use uuid::{ContextV7, Uuid};

/// The system's clock, and an offset that tests on a loopback server may set.
#[derive(Debug, Default)]
pub struct SystemClock {
    offset: AtomicI64,
}

impl SystemClock {
    /// Moves the clock by this many microseconds.
    pub fn set_offset(&self, micros: i64) {
        self.offset.store(micros, Ordering::Relaxed);
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else asks")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(micros.saturating_add(self.offset.load(Ordering::Relaxed)))
    }
}

/// UUIDv7 with a counter, so that ids of one process grow even within a millisecond.
#[derive(Default)]
pub struct OrderedIds {
    context: Mutex<ContextV7>,
}

impl Ids for OrderedIds {
    fn fresh(&self, now: Timestamp) -> Uuid {
        let micros = now.micros().max(0);
        let seconds = u64::try_from(micros / 1_000_000).unwrap_or(0);
        let nanos = u32::try_from(micros % 1_000_000).unwrap_or(0) * 1000;
        let context = self.context.lock().unwrap_or_else(PoisonError::into_inner);
        Uuid::new_v7(uuid::Timestamp::from_unix(&*context, seconds, nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow() {
        let (ids, clock) = (OrderedIds::default(), SystemClock::default());
        let made: Vec<_> = (0..10_000).map(|_| ids.fresh(clock.now())).collect();
        assert!(made.windows(2).all(|w| w[0] < w[1]));
    }
}
