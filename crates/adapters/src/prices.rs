//! What models cost: a table that ships with the program, and one that an operator can put over it.
//!
//! Prices are US dollars per million tokens in the file and exact micro-dollars inside. A model that no table knows has
//! no price: its use is recorded and marked, and costs nothing.

use std::collections::BTreeMap;

use domain::billing::{MicroUsd, Price, TokenUsage};
use serde::Deserialize;

/// The table that ships with the program.
const BUILT_IN: &str = include_str!("../models.toml");

/// A price table cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// It is not TOML of the right shape.
    #[error("the price table cannot be read: {0}")]
    Shape(String),
    /// A price is negative or no number.
    #[error("the price of `{0}` is not an amount of money")]
    Amount(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(default)]
    model: BTreeMap<String, Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    input: f64,
    cached: Option<f64>,
    output: f64,
}

/// Prices by model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prices {
    by_model: BTreeMap<String, Price>,
}

impl Prices {
    /// The table that ships with the program.
    ///
    /// # Errors
    /// Never, or a test of this file fails.
    pub fn built_in() -> Result<Self, PriceError> {
        Self::default().overlaid(BUILT_IN)
    }

    /// This table with another, as TOML text, over it.
    ///
    /// # Errors
    /// [`PriceError`] when the text is not a price table.
    pub fn overlaid(mut self, text: &str) -> Result<Self, PriceError> {
        let table: Table = toml::from_str(text).map_err(|error| PriceError::Shape(error.message().to_owned()))?;
        for (model, line) in table.model {
            let price = line.price().ok_or_else(|| PriceError::Amount(model.clone()))?;
            self.by_model.insert(model, price);
        }
        Ok(self)
    }

    /// A model's price; `None` when no table knows the model. `openai/gpt-5.1` and `gpt-5.1-2025-11-13` are `gpt-5.1`.
    pub fn price(&self, model: &str) -> Option<Price> {
        let bare = model.rsplit('/').next().unwrap_or(model);
        [model, bare, undated(bare)].iter().find_map(|name| self.by_model.get(*name)).copied()
    }

    /// What a call cost: nothing when the model has no price.
    pub fn cost(&self, model: &str, usage: TokenUsage) -> MicroUsd {
        self.price(model).unwrap_or_default().cost(usage)
    }
}

impl Line {
    fn price(&self) -> Option<Price> {
        Some(Price { input: micros(self.input)?, cached: micros(self.cached.unwrap_or(self.input))?, output: micros(self.output)? })
    }
}

/// Dollars as micro-dollars. Prices have few digits, and so rounding finds the exact amount.
fn micros(dollars: f64) -> Option<i64> {
    (0.0..1_000_000.0).contains(&dollars).then(|| (dollars * 1_000_000.0).round() as i64)
}

/// A model's name without the date of its snapshot.
fn undated(model: &str) -> &str {
    let dated = |at: usize| {
        let date = model.get(at..).unwrap_or_default();
        date.len() == 11 && date.bytes().enumerate().all(|(place, byte)| if matches!(place, 0 | 5 | 8) { byte == b'-' } else { byte.is_ascii_digit() })
    };
    match model.len().checked_sub(11) {
        Some(at) if dated(at) => &model[..at],
        _ => model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in() -> Prices {
        Prices::built_in().unwrap_or_default()
    }

    #[test]
    fn the_built_in_table_reads_and_knows_the_default_model() {
        assert_eq!(Prices::built_in().map(|prices| prices.by_model.len() > 10), Ok(true));
        let price = Some(Price { input: 1_250_000, cached: 125_000, output: 10_000_000 });
        for name in ["gpt-5.1", "gpt-5.1-2025-11-13", "openai/gpt-5.1"] {
            assert_eq!(built_in().price(name), price, "{name}");
        }
        assert_eq!(built_in().price("gpt-5.1-2025-11-1x"), None);
    }

    #[test]
    fn unknown_models_have_no_price_and_cost_nothing() {
        let usage = TokenUsage { input: 1_000, output: 1_000, ..TokenUsage::default() };
        assert_eq!(built_in().price("smollm2"), None);
        assert_eq!(built_in().cost("smollm2", usage), MicroUsd(0));
        assert_eq!(built_in().price("practice"), Some(Price::default()));
    }

    #[test]
    fn costs_are_rounded_up_once() {
        let usage = TokenUsage { input: 3, cached: 1, output: 1, reasoning: 1 };
        // 2 × 0.05 + 1 × 0.005 + 1 × 0.40 = 0.505 millionths of a dollar.
        assert_eq!(built_in().cost("gpt-5-nano", usage), MicroUsd(1));
        assert_eq!(built_in().cost("gpt-5-nano", TokenUsage { input: 3_000, cached: 1_000, output: 1_000, reasoning: 0 }), MicroUsd(505));
    }

    #[test]
    fn a_table_goes_over_the_built_in_one() -> Result<(), PriceError> {
        let prices = built_in().overlaid("[model.\"gpt-5.1\"]\ninput = 2\noutput = 20.5\n[model.mine]\ninput = 0\noutput = 0")?;
        assert_eq!(prices.price("gpt-5.1"), Some(Price { input: 2_000_000, cached: 2_000_000, output: 20_500_000 }));
        assert_eq!(prices.price("mine"), Some(Price::default()));
        assert_eq!(built_in().overlaid("[model.x]\ninput = -1\noutput = 2"), Err(PriceError::Amount("x".into())));
        assert!(matches!(built_in().overlaid("[model.x]\ninput = 1"), Err(PriceError::Shape(_))));
        Ok(())
    }
}
