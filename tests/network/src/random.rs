use std::ops::RangeInclusive;

use crate::Direction;

/// The generator `SplitMix64`, whose numbers depend only on the seed.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

/// The place at which a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) direction: Direction,
    /// The number of bytes that are forwarded in this direction before the cut.
    pub(crate) bytes: u64,
}

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns a random place with a number of bytes in `range`.
    pub(crate) fn place(&mut self, range: &RangeInclusive<u64>) -> Place {
        let direction = if self.next() & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
        let length = (range.end() - range.start()).saturating_add(1);
        Place { direction, bytes: range.start() + self.next() % length }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_depend_on_the_seed_only_and_cover_the_range_in_both_directions() {
        let places = |seed| {
            let mut random = Random::new(seed);
            (0..1_000).map(|_| random.place(&(3..=7))).collect::<Vec<_>>()
        };
        assert_eq!(places(1), places(1));
        assert_ne!(places(1), places(2));
        for direction in Direction::BOTH {
            for bytes in 3..=7 {
                assert!(places(1).contains(&Place { direction, bytes }), "{direction:?} {bytes}");
            }
        }
        assert!(places(1).iter().all(|place| (3..=7).contains(&place.bytes)));
    }
}
