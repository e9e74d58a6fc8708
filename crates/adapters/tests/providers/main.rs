//! The provider adapters against the fake server on the wire.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod faults;
mod openai;
mod resume;
mod splits;
mod support;
mod wire;
