//! Money and metered use.

use serde::{Deserialize, Serialize};

/// An amount of money in millionths of a US dollar: exact sums, never floating point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MicroUsd(pub i64);

/// What one model call used, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens read, cached ones included.
    pub input: u64,
    /// Of these, tokens read from the provider's cache.
    pub cached: u64,
    /// Tokens written, reasoning included.
    pub output: u64,
    /// Of these, tokens of reasoning.
    pub reasoning: u64,
}

/// The price of a model, in micro-dollars per million tokens (so one dollar per million is 1,000,000).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Price {
    /// Fresh input.
    pub input: i64,
    /// Cached input.
    pub cached: i64,
    /// Output.
    pub output: i64,
}

impl Price {
    /// The cost of a call: each kind of token at its rate, rounded up once, so that use is never free by rounding.
    pub fn cost(&self, usage: TokenUsage) -> MicroUsd {
        let fresh = usage.input.saturating_sub(usage.cached);
        let line = |tokens: u64, rate: i64| i128::from(tokens) * i128::from(rate);
        let total = line(fresh, self.input) + line(usage.cached, self.cached) + line(usage.output, self.output);
        MicroUsd(i64::try_from((total + 999_999) / 1_000_000).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_counts_cached_tokens_once_and_rounds_up() {
        let price = Price { input: 1_250_000, cached: 125_000, output: 10_000_000 };
        let usage = TokenUsage { input: 1_000, cached: 400, output: 50, reasoning: 20 };
        assert_eq!(price.cost(usage), MicroUsd(750 + 50 + 500));
        assert_eq!(price.cost(TokenUsage { input: 1, ..TokenUsage::default() }), MicroUsd(2));
        assert_eq!(price.cost(TokenUsage::default()), MicroUsd(0));
    }
}
