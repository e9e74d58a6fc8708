//! Fakes and fixtures for tests of every crate.
//!
//! Nothing here is part of the product. A fake behaves like the real thing on the outside, faults included.

pub mod clock;
pub mod db;
pub mod fixtures;
pub mod ids;
pub mod model;
pub mod openai;
pub mod sink;
