//! The server under test, and those who call it.

pub mod actors;
mod app;
mod sse;

pub use actors::Actor;
pub use app::TestApp;
pub use sse::{Frame, Stream, frames};
