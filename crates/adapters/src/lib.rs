//! Vendors and protocols behind the ports: one folder each.
//!
//! An adapter turns a port's words into a vendor's and back, and nothing else: no rules of the product, no storage.

mod chat_completions;
pub mod openai;
pub mod practice;
pub mod prices;
pub mod replay;
mod wire;

pub use openai::{Api, OpenAi, OpenAiSettings};
pub use practice::{PracticeModel, PracticeSpeed};
pub use prices::Prices;
