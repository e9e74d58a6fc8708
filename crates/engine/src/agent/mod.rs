//! Agents: what they are (definitions) and how they answer (turns).
//!
//! A turn is a sequence of steps, each recorded once; whatever interrupts it, the next attempt replays the
//! recorded steps silently and redoes at most what was in flight.

mod answer;
mod calls;
pub mod catalog;
pub mod context;
pub mod definition;
mod interrupts;
pub mod resume;
mod steps;
pub mod title;
pub mod turn;

pub use catalog::{Catalog, DEFAULT_AGENT};
pub use definition::{AgentDefinition, DefinitionError};
pub use resume::closing_frames;
pub use title::{MadeTitle, TitleRequest, make_title};
pub use turn::{Turn, TurnEnd, run_turn};
