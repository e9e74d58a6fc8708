//! What the tool says: one line a step, with the time it took.
//!
//! The only place of this crate that prints or reads a clock.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Prints one line.
#[expect(clippy::print_stdout, reason = "what a tool prints is its result")]
pub fn say(line: &str) {
    println!("{line}");
}

/// Runs one step and prints its name, its note and its duration.
pub fn timed<T>(name: &str, step: impl FnOnce() -> Result<Noted<T>>) -> Result<T> {
    let started = now();
    let Noted { value, note } = step()?;
    say(&format!("  {name:<10} {:>7}  {note}", seconds(started.elapsed())));
    Ok(value)
}

/// What a step made, and what to say about it.
pub struct Noted<T> {
    /// What the next steps need.
    pub value: T,
    /// What a person wants to know.
    pub note: String,
}

impl<T> Noted<T> {
    /// Pairs a value with a note.
    pub fn new(value: T, note: impl Into<String>) -> Self {
        Self { value, note: note.into() }
    }
}

/// The moment at which a measurement starts.
pub fn now() -> Instant {
    Instant::now()
}

/// A duration as people read it.
pub fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// A byte count as people read it: thousands apart.
pub fn bytes(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn thousands_are_set_apart() {
        let read: Vec<String> = [0, 999, 1_000, 358_400, 1_234_567].map(bytes).into();
        assert_eq!(read, ["0", "999", "1,000", "358,400", "1,234,567"]);
    }
}
