//! The provider adapters against the fake server on the wire.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod faults;
mod openai;
mod resume;
mod splits;
mod support;
