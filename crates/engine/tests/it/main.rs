//! Whole turns of an agent, with scripted models and a store in memory that fails where a test wants.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod faults;
mod interrupts;
mod resume;
mod rig;
mod titles;
mod tools;
mod turns;
