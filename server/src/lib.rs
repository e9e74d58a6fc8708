//! The server: command line, settings, the edge and the API, around the services.
//!
//! ```text
//! cli/        what an operator can say          config/  what the process is told
//! compose.rs  the only file that names vendors  state.rs what handlers share
//! serving.rs  a running server                  lifecycle.rs  its lock, its signals, its end
//! http/       the edge                          api/     REST and event streams
//! ```

pub mod api;
pub mod cli;
pub mod compose;
pub mod config;
pub mod http;
pub mod lifecycle;
pub mod serving;
pub mod state;
pub mod telemetry;
