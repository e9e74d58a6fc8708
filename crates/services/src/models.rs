//! Which model answers for which role, and what it costs.

use std::sync::Arc;

use domain::billing::Price;
use engine::ports::{ModelInfo, SharedModel};

/// What a model costs.
pub type PriceList = Arc<dyn Fn(&str) -> Price + Send + Sync>;

/// The models that answer.
#[derive(Clone)]
pub struct Models {
    /// The model that answers in conversations.
    pub model: SharedModel,
    /// Its name at the provider.
    pub name: String,
    /// The price of a model by its name; nothing for one that is not in the list.
    pub price: PriceList,
}

impl Models {
    /// One model that costs nothing.
    pub fn free(model: SharedModel, name: impl Into<String>) -> Self {
        Self { model, name: name.into(), price: Arc::new(|_| Price::default()) }
    }

    /// What answers.
    pub fn info(&self) -> ModelInfo {
        self.model.info(&self.name)
    }
}
