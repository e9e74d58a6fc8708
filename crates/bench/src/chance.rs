//! Chance that can be repeated: the same seed gives the same numbers.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

/// A source of numbers (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed that nobody has chosen.
    pub fn seed() -> u64 {
        RandomState::new().hash_one("seed") >> 32
    }

    /// Another source, for somebody who draws on his own.
    pub fn part(&mut self) -> Self {
        Self(self.draw())
    }

    /// A number below a limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit.max(1)
    }

    /// A time between two others.
    pub fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let span = u64::try_from(most.saturating_sub(least).as_micros()).unwrap_or(0);
        least + Duration::from_micros(self.below(span + 1))
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats() {
        let drawn = |seed| (0..4).map(|_| ()).scan(Chance::new(seed), |chance, ()| Some(chance.below(1000))).collect::<Vec<_>>();
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        let (least, most) = (Duration::from_millis(5), Duration::from_millis(9));
        let mut chance = Chance::new(1);
        assert!((0..100).map(|_| chance.between(least, most)).all(|time| time >= least && time <= most));
    }
}
