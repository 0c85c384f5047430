use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{
    Timestamp,
    shard::{Padded, own_shard, parts},
};

/// Creates all ids of a process, which are those of keys, changes, audit events, writers, and requests
/// without an id.
///
/// The ids that a thread makes are strictly increasing, so that events sort in the order in which
/// they happened, also within a microsecond and when the clock is set back. Two generators, or two threads, make the
/// same id only if they do so for the same microsecond and their 72 bits of keyed hash are equal.
///
/// Two clones of a running process, such as those from one snapshot of a virtual machine, have the same
/// generator. They make equal ids if they make ids for the same microsecond.
#[derive(Debug)]
pub(crate) struct IdGenerator {
    /// The microsecond of the latest id, for each part of the threads.
    latest: Box<[Padded<AtomicU64>]>,
    /// The keys of the hash. The operating system's randomness is their source.
    hash: RandomState,
}

/// What an id is made of: 56 bits of time in microseconds, and the part of the threads that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tick(u64);

const TIME: u64 = u64::MAX >> 8;

impl Tick {
    /// Creates a tick from a time in microseconds.
    pub(crate) const fn new(micros: u64, shard: u8) -> Self {
        Self(micros & TIME | (shard as u64) << 56)
    }

    const fn micros(self) -> u64 {
        self.0 & TIME
    }

    /// Returns a value that orders ticks by their times.
    pub(crate) const fn order(self) -> u64 {
        self.0.rotate_left(8)
    }
}

impl Default for IdGenerator {
    fn default() -> Self {
        Self { latest: parts(), hash: RandomState::new() }
    }
}

impl IdGenerator {
    /// Creates an id.
    pub(crate) fn next(&self, now: Timestamp) -> [u8; 16] {
        self.id(self.tick(now))
    }

    /// Reserves the place of an id among the others. The tick has the microsecond of `now`, or the microsecond after the
    /// latest tick of this thread if that is later.
    pub(crate) fn tick(&self, now: Timestamp) -> Tick {
        let wanted = u64::try_from(now.as_micros()).unwrap_or(0);
        let step = |last: u64| wanted.max(last.saturating_add(1));
        let shard = own_shard();
        let Some(Padded(latest)) = self.latest.get(shard) else { return Tick::new(wanted, 0) };
        let last = latest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(step(last)));
        let (Ok(last) | Err(last)) = last;
        Tick::new(step(last), u8::try_from(shard).unwrap_or(0))
    }

    /// Creates the id of a tick from seven bytes of time and nine bytes that differ between generators. The same tick
    /// always has the same id.
    pub(crate) fn id(&self, tick: Tick) -> [u8; 16] {
        let hash = u128::from(self.hash.hash_one(tick.0)) << 64 | u128::from(self.hash.hash_one(!tick.0));
        with_time(tick.micros(), hash.rotate_right(56).to_be_bytes())
    }
}

/// Replaces the first seven of an id's bytes by a time in microseconds since 1970, which fits
/// until the year 4253.
pub(crate) fn with_time(micros: u64, mut id: [u8; 16]) -> [u8; 16] {
    let [_, time @ ..] = micros.to_be_bytes();
    for (byte, part) in id.iter_mut().zip(time) {
        *byte = part;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_increase_when_the_clock_stands_still_or_goes_back() {
        let ids = IdGenerator::default();
        let times = [5_000_000, 5_000_000, 4_000_000, 5_000_001, 9_000_000];
        let made = times.map(|at| ids.next(Timestamp::from_micros(at)));
        assert!(made.is_sorted_by(|a, b| a < b));
        assert_eq!(made[0][..7], 5_000_000_u64.to_be_bytes()[1..], "the time comes first");
    }

    #[test]
    fn ids_of_two_generators_for_one_microsecond_differ() {
        let now = Timestamp::from_micros(7);
        let (one, two) = (IdGenerator::default().next(now), IdGenerator::default().next(now));
        assert_eq!(one[..7], two[..7]);
        assert_ne!(one[7..15], two[7..15]);
    }
}
