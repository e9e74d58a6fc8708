//! The agent loop, its tools, and the ports that it needs from the outside.
//!
//! Nothing here touches the database or HTTP: a whole run is a unit test with a scripted model and an
//! in-memory sink.

pub mod agent;
pub mod ports;
pub mod tools;
