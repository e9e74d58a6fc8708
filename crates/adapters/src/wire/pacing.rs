//! How long to wait before a call is tried again.

use std::time::Duration;

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// How a call is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPacing {
    /// How often, at most.
    pub retries: u32,
    /// The wait before the first one; it doubles each time.
    pub base: Duration,
    /// The longest wait. A provider that asks for more gets it from whoever called: the error says when.
    pub longest: Duration,
}

impl Default for RetryPacing {
    fn default() -> Self {
        Self { retries: 3, base: Duration::from_millis(500), longest: Duration::from_secs(20) }
    }
}

impl RetryPacing {
    /// The wait before retry `number` (from 0) of the call with this key: half fixed, half by the key, so that calls which
    /// failed together do not come back together. `None` when it is not tried again here.
    pub(crate) fn wait(&self, number: u32, asked: Option<Duration>, key: &str) -> Option<Duration> {
        if number >= self.retries {
            return None;
        }
        let back_off = self.base.saturating_mul(2_u32.saturating_pow(number)).min(self.longest);
        let jitter = back_off.mul_f64(0.5 + 0.5 * share(key, number));
        match asked {
            Some(asked) if asked > self.longest => None,
            Some(asked) => Some(asked + jitter / 4),
            None => Some(jitter),
        }
    }
}

/// A number from 0 to 1 that depends on the key and the retry alone.
fn share(key: &str, number: u32) -> f64 {
    let hash = key.bytes().chain(number.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// When the provider says to try again: in milliseconds, in seconds, or by a date beside its own.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let seconds = |text: &str| text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    if let Some(wait) = text("retry-after-ms").and_then(|text| text.parse().ok()).map(Duration::from_millis) {
        return Some(wait);
    }
    let asked = text(RETRY_AFTER.as_str())?;
    seconds(asked).or_else(|| {
        let (at, now) = (instant(asked)?, instant(text(DATE.as_str())?)?);
        Duration::try_from(at.duration_since(now)).ok()
    })
}

fn instant(date: &str) -> Option<jiff::Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&'static str, &str)]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().ok()?);
        }
        retry_after(&headers)
    }

    #[test]
    fn providers_say_when_in_three_ways() {
        assert_eq!(asked(&[("retry-after", "2")]), Some(Duration::from_secs(2)));
        assert_eq!(asked(&[("retry-after", "2"), ("retry-after-ms", "150")]), Some(Duration::from_millis(150)));
        let date = ("date", "Fri, 20 Nov 2026 05:32:00 GMT");
        assert_eq!(asked(&[("retry-after", "Fri, 20 Nov 2026 05:32:07 GMT"), date]), Some(Duration::from_secs(7)));
        assert_eq!(asked(&[("retry-after", "Fri, 20 Nov 2026 05:31:07 GMT"), date]), None);
        assert_eq!(asked(&[("retry-after", "-1")]), None);
        assert_eq!(asked(&[("retry-after", "soon")]), None);
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn waits_grow_differ_by_key_and_end() {
        let pacing = RetryPacing::default();
        let waits: Vec<_> = (0..4).map(|number| pacing.wait(number, None, "run:model:0")).collect();
        assert!(waits[0].is_some_and(|wait| (Duration::from_millis(250)..=Duration::from_millis(500)).contains(&wait)));
        assert!(waits[2].is_some_and(|wait| (Duration::from_secs(1)..=Duration::from_secs(2)).contains(&wait)));
        assert_eq!(waits[3], None);
        assert_ne!(pacing.wait(0, None, "a"), pacing.wait(0, None, "b"));
        assert!(pacing.wait(0, Some(Duration::from_secs(3)), "a") >= Some(Duration::from_secs(3)));
        assert_eq!(pacing.wait(0, Some(Duration::from_mins(1)), "a"), None);
    }
}
