use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{cache::Moment, denials::Tally};
use crate::{Timestamp, id::KeyId, limiter::Window};

const SHARDS: usize = 64;

/// The state of a key in use, which is its rate limit window and its recent denials. The key's row is not
/// part of the state.
#[derive(Debug)]
pub(super) struct LiveKey {
    pub(super) window: Window,
    /// `None` until a request is denied, because most keys have no denials.
    tally: Mutex<Option<Box<Tally>>>,
}

impl LiveKey {
    /// Calls `use_tally` with the recent denials.
    pub(super) fn with_tally<T>(&self, use_tally: impl FnOnce(&mut Tally) -> T) -> T {
        use_tally(self.lock_tally().get_or_insert_default())
    }

    fn has_idle_tally(&self, now: Timestamp) -> bool {
        self.lock_tally().as_ref().is_none_or(|tally| tally.is_idle(now))
    }

    fn lock_tally(&self) -> MutexGuard<'_, Option<Box<Tally>>> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys in use.
///
/// An entry is kept while something refers to it, while its rate limit window counts a request, and while its recent
/// denials are not idle. Only keys that are stored have
/// entries, so that clients without a key cannot fill the memory.
#[derive(Debug)]
pub(super) struct LiveKeys {
    shards: Vec<Mutex<HashMap<KeyId, Arc<LiveKey>>>>,
}

impl LiveKeys {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Returns the entry of a key. If the key has no entry, creates an entry.
    pub(super) fn entry(&self, key: KeyId) -> Arc<LiveKey> {
        let fresh = || Arc::new(LiveKey { window: Window::new(), tally: Mutex::default() });
        let byte = key.as_bytes().iter().fold(0, |all, byte| all ^ byte);
        match self.shards.get(usize::from(byte) % SHARDS) {
            Some(shard) => Arc::clone(lock(shard).entry(key).or_insert_with(fresh)),
            None => fresh(),
        }
    }

    /// Drops the entries that are not in use and count nothing. Calls `pause` again and again, so that other tasks can
    /// run.
    pub(super) async fn sweep<P: Future>(&self, now: Moment, pause: impl Fn() -> P) {
        for shard in &self.shards {
            // A new reference is made under this lock, or from a reference that someone holds. A count of one
            // therefore stays one.
            lock(shard).retain(|_, live| {
                Arc::strong_count(live) > 1
                    || !live.window.is_idle(now.monotonic)
                    || !live.has_idle_tally(now.wall)
            });
            pause().await;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }
}

fn lock(shard: &Mutex<HashMap<KeyId, Arc<LiveKey>>>) -> MutexGuard<'_, HashMap<KeyId, Arc<LiveKey>>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        clock::{Clock, ManualClock},
        limiter::{Acquisition, Charge, Limiter, LocalLimiter, Subject},
        rate_limit::RateLimit,
    };

    #[test]
    fn entry_is_kept_until_its_window_is_empty_and_it_is_not_in_use() {
        pollster::block_on(async {
            let clock = ManualClock::default();
            let live = LiveKeys::new();
            let key = KeyId::from_bytes([7; 16]);
            let entry = live.entry(key);
            let charge = [Charge::one(Subject::Key(key), RateLimit::DEFAULT, &entry.window)];
            assert!(matches!(LocalLimiter.acquire(clock.monotonic(), &clock, &charge), Acquisition::Now(_)));
            live.sweep(Moment::now(&clock), || async {}).await;
            assert!(Arc::ptr_eq(&entry, &live.entry(key)));
            drop(entry);
            clock.advance(Duration::from_micros(59_999_999)).await;
            live.sweep(Moment::now(&clock), || async {}).await;
            assert_eq!(live.len(), 1, "a live window was dropped");
            clock.advance(Duration::from_micros(1)).await;
            live.sweep(Moment::now(&clock), || async {}).await;
            assert_eq!(live.len(), 0);
        });
    }
}
