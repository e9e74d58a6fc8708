//! `ManualClock`: time that a test moves.
//!
//! It stands still, or runs with the system's clock and an offset. It never goes back by itself.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use domain::{Clock, Timestamp};
use services::clock::SystemClock;

#[derive(Debug)]
enum Base {
    Still(Timestamp),
    Running(SystemClock),
}

/// A clock that a test moves.
#[derive(Debug)]
pub struct ManualClock {
    base: Base,
    moved: AtomicI64,
}

impl ManualClock {
    /// Stands still at 2030-01-01 until it is moved.
    pub fn still() -> Self {
        Self { base: Base::Still(Timestamp::from_micros(1_893_456_000_000_000)), moved: AtomicI64::new(0) }
    }

    /// Runs with the system's clock.
    pub fn running() -> Self {
        Self { base: Base::Running(SystemClock::default()), moved: AtomicI64::new(0) }
    }

    /// Moves on.
    pub fn advance(&self, by: Duration) {
        self.moved.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Goes back, as a clock that somebody sets does.
    pub fn set_back(&self, by: Duration) {
        self.moved.fetch_sub(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// How far it was moved, in microseconds.
    pub fn moved(&self) -> i64 {
        self.moved.load(Ordering::Relaxed)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let base = match &self.base {
            Base::Still(at) => *at,
            Base::Running(clock) => clock.now(),
        };
        Timestamp::from_micros(base.micros().saturating_add(self.moved()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_moves_when_told() {
        let clock = ManualClock::still();
        let before = clock.now();
        clock.advance(Duration::from_secs(5));
        assert_eq!(clock.now().since(before), Duration::from_secs(5));
        clock.set_back(Duration::from_secs(5));
        assert_eq!(clock.now(), before);
    }
}
