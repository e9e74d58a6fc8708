//! The server: command line, settings, the edge and the API, around the services.

pub mod config;
pub mod lifecycle;
pub mod telemetry;
