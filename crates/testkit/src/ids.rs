//! Ids and dice from a seed: the same seed gives the same ones, in the same order, on every machine.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{Ids, Timestamp};
use uuid::Uuid;

/// Ids of version 7 that grow by one, from a seed.
#[derive(Debug, Default)]
pub struct SeededIds {
    seed: u64,
    count: AtomicU64,
}

impl SeededIds {
    /// Ids of a seed; two sources in one database need two seeds.
    pub fn new(seed: u64) -> Self {
        Self { seed, count: AtomicU64::new(0) }
    }
}

impl Ids for SeededIds {
    fn fresh(&self, now: Timestamp) -> Uuid {
        let count = u128::from(self.count.fetch_add(1, Ordering::Relaxed));
        let millis = u128::from(u64::try_from(now.millis()).unwrap_or(0)) & 0xFFFF_FFFF_FFFF;
        // After the instant the count, its highest bits first, so that text order is the order of making.
        let (high, low) = ((count >> 28) & 0xFFF, count & 0xFFF_FFFF);
        let own = u128::from(Dice::new(self.seed).next()) & 0x3_FFFF_FFFF;
        Uuid::from_u128(millis << 80 | 7 << 76 | high << 64 | 0b10 << 62 | low << 34 | own)
    }
}

/// Chance from a seed.
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The dice of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Any number.
    #[expect(clippy::should_implement_trait, reason = "dice never end")]
    pub fn next(&mut self) -> u64 {
        // SplitMix64: a counter, well mixed.
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is at least one.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    /// Whether a chance of so many in a hundred comes true.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    /// One of these; `None` when there are none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_and_repeat() {
        let now = Timestamp::from_micros(1_893_456_000_000_000);
        let make = |seed| {
            let ids = SeededIds::new(seed);
            (0..1_000).map(|_| ids.fresh(now).to_string()).collect::<Vec<_>>()
        };
        let made = make(7);
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(made, make(7));
        assert_ne!(made, make(8));
        assert!(made.iter().all(|id| Uuid::parse_str(id).is_ok_and(|id| id.get_version_num() == 7)));
    }

    #[test]
    fn dice_are_fair_enough() {
        let mut dice = Dice::new(1);
        let mut seen = [0; 6];
        for _ in 0..6_000 {
            seen[dice.below(6)] += 1;
        }
        assert!(seen.iter().all(|count| (800..1_200).contains(count)), "{seen:?}");
        assert_eq!(dice.pick::<u8>(&[]), None);
    }
}
