//! When a failed job may try again: exponential back-off with jitter.

use std::time::Duration;

/// How often and how patiently a job is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included.
    pub max_attempts: i64,
    /// Pause before the second attempt.
    pub base: Duration,
    /// Longest pause.
    pub cap: Duration,
}

impl RetryPolicy {
    /// Five attempts, from one second to a minute.
    pub const DEFAULT: Self = Self { max_attempts: 5, base: Duration::from_secs(1), cap: Duration::from_mins(1) };

    /// The pause after `attempt` (counted from 1) failed, or `None` when it was the last.
    ///
    /// The pause is `base · 2^(attempt-1)`, at most `cap`, times a factor from 0.5 to 1.5 that `jitter`
    /// (any number; a hash of the job's id and attempt will do) chooses, so that retries persist the same and do not march in step.
    pub fn pause_after(&self, attempt: i64, jitter: u64) -> Option<Duration> {
        if attempt >= self.max_attempts {
            return None;
        }
        let doublings = u32::try_from((attempt - 1).clamp(0, 30)).unwrap_or(30);
        let plain = self.base.saturating_mul(2_u32.saturating_pow(doublings)).min(self.cap);
        let percent = 50 + u32::try_from(jitter % 101).unwrap_or(50);
        Some(plain.saturating_mul(percent) / 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_cap_and_end() {
        let policy = RetryPolicy { max_attempts: 9, ..RetryPolicy::DEFAULT };
        let pauses: Vec<_> = (1..9).filter_map(|attempt| policy.pause_after(attempt, 50)).map(|p| p.as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(policy.pause_after(9, 50), None);
        assert_eq!(policy.pause_after(1, 0), Some(Duration::from_millis(500)));
        assert_eq!(policy.pause_after(1, 100), Some(Duration::from_millis(1500)));
    }
}
