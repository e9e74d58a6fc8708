//! The server from the outside: the real router on a real listener, a database of its own, the practice model.
//!
//! One file a topic. `support` holds the server under test and those who call it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod auth;
mod bad_input;
mod chat;
mod events;
mod forms;
mod headers;
mod health;
mod live;
mod openapi;
mod ownership;
mod providers;
mod support;
