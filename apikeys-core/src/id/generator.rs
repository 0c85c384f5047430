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
/// The ids that [`next`](Self::next) returns are strictly increasing, so that changes sort in the order in which they
/// happened, also within a microsecond and when the clock is set back. The ids of requests are made from ticks, which are
/// strictly increasing within each thread, so that threads do not wait for each other. Two generators, or two threads,
/// make the same id only if they do so for the same microsecond and their 64 bits of keyed hash are equal.
///
/// Two clones of a running process, such as those from one snapshot of a virtual machine, have the same
/// generator. They make equal ids if they make ids for the same microsecond.
#[derive(Debug)]
pub(crate) struct IdGenerator {
    /// The microsecond of the latest id from `next`.
    latest: AtomicU64,
    /// The microsecond of the latest tick of a request, for each part of the threads.
    latest_ticks: Box<[Padded<AtomicU64>]>,
    /// The keys of the hash. The operating system's randomness is their source.
    hash: RandomState,
}

/// What an id is made of: 56 bits of time in microseconds, and the part of the threads that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tick(u64);

const TIME: u64 = u64::MAX >> 8;
/// The part of ids that all threads make together.
const ALL_THREADS: u8 = u8::MAX;

impl Tick {
    /// Creates a tick from a time in microseconds.
    pub(crate) const fn new(micros: u64, shard: u8) -> Self {
        Self(micros & TIME | (shard as u64) << 56)
    }

    const fn micros(self) -> u64 {
        self.0 & TIME
    }

    const fn shard(self) -> u64 {
        self.0 >> 56
    }

    /// Returns a value that orders ticks by their times.
    pub(crate) const fn order(self) -> u64 {
        self.0.rotate_left(8)
    }
}

impl Default for IdGenerator {
    fn default() -> Self {
        Self { latest: AtomicU64::new(0), latest_ticks: parts(), hash: RandomState::new() }
    }
}

impl IdGenerator {
    /// Creates an id.
    pub(crate) fn next(&self, now: Timestamp) -> [u8; 16] {
        let own = self.latest_ticks.get(own_shard()).map_or(&self.latest, |Padded(latest)| latest);
        // The id is later than those of this thread's requests before, and earlier than those of its next requests.
        let after_own = own.load(Ordering::Relaxed).saturating_add(1);
        let micros = later(&self.latest, micros(now).max(after_own));
        own.fetch_max(micros, Ordering::Relaxed);
        self.id(Tick::new(micros, ALL_THREADS))
    }

    /// Reserves the place of a request's id among those of its thread.
    pub(crate) fn tick(&self, now: Timestamp) -> Tick {
        let shard = own_shard();
        let latest = self.latest_ticks.get(shard).map_or(&self.latest, |Padded(latest)| latest);
        Tick::new(later(latest, micros(now)), u8::try_from(shard).unwrap_or(ALL_THREADS))
    }

    /// Creates the id of a tick from seven bytes of time, eight bytes that differ between generators, and the part of the
    /// threads. The same tick always has the same id.
    pub(crate) fn id(&self, tick: Tick) -> [u8; 16] {
        let hash = u128::from(self.hash.hash_one(tick.0)) << 8;
        with_time(tick.micros(), (hash | u128::from(tick.shard())).to_be_bytes())
    }
}

fn micros(now: Timestamp) -> u64 {
    u64::try_from(now.as_micros()).unwrap_or(0)
}

/// Returns `wanted`, or the microsecond after `latest` if that is later, and stores it in `latest`.
fn later(latest: &AtomicU64, wanted: u64) -> u64 {
    let step = |last: u64| wanted.max(last.saturating_add(1));
    let last = latest.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(step(last)));
    let (Ok(last) | Err(last)) = last;
    step(last)
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
    fn ids_of_changes_increase_across_threads_when_the_clock_goes_back() {
        let ids = IdGenerator::default();
        let mut made = Vec::new();
        for at in [9_000_000, 5_000_000, 5_000_000, 1_000_000] {
            let id = std::thread::scope(|scope| {
                scope.spawn(|| ids.next(Timestamp::from_micros(at))).join().unwrap()
            });
            made.push(id);
        }
        assert!(made.is_sorted_by(|a, b| a < b), "{made:?}");
    }

    #[test]
    fn ticks_of_a_thread_increase_and_have_ids_of_their_own() {
        let ids = IdGenerator::default();
        let now = Timestamp::from_micros(5_000_000);
        let ticks = [now, now, Timestamp::from_micros(4_000_000)].map(|at| ids.tick(at));
        assert!(ticks.is_sorted_by(|a, b| a.order() < b.order()));
        assert_eq!(ids.id(ticks[0]), ids.id(ticks[0]));
        // A change of the same thread comes after the requests before it and before the next ones.
        let (change, next) = (ids.next(now), ids.id(ids.tick(now)));
        assert!(ids.id(ticks[2]) < change && change < next);
    }

    #[test]
    fn ids_of_two_generators_for_one_microsecond_differ() {
        let now = Timestamp::from_micros(7);
        let (one, two) = (IdGenerator::default().next(now), IdGenerator::default().next(now));
        assert_eq!(one[..7], two[..7]);
        assert_ne!(one[7..15], two[7..15]);
    }
}
