use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::denials::Tally;
use crate::{
    Timestamp,
    clock::Monotonic,
    id::{KeyId, OrgId},
    limiter::Window,
};

const SHARDS: usize = 64;

/// A key that is in use: its window, and its denials of this minute. Not the key itself.
#[derive(Debug)]
pub(super) struct LiveKey {
    pub(super) key: KeyId,
    pub(super) org: OrgId,
    pub(super) window: Window,
    tally: Mutex<Tally>,
}

impl LiveKey {
    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys in use. An entry stays for as long as its window counts anything, so that a limit is
/// never forgotten; only valid keys get one, so that strangers cannot fill it.
#[derive(Debug)]
pub(super) struct LiveKeys {
    shards: Vec<Mutex<HashMap<KeyId, Arc<LiveKey>>>>,
}

impl LiveKeys {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// The entry of a key, made if it has none.
    pub(super) fn entry(&self, key: KeyId, org: &OrgId) -> Arc<LiveKey> {
        let fresh =
            || Arc::new(LiveKey { key, org: org.clone(), window: Window::new(), tally: Mutex::default() });
        let [.., last] = *key.as_bytes();
        match self.shards.get(usize::from(last) % SHARDS) {
            Some(shard) => Arc::clone(lock(shard).entry(key).or_insert_with(fresh)),
            None => fresh(),
        }
    }

    /// Drops entries that nobody holds and that count nothing.
    pub(super) fn sweep(&self, now: Monotonic, wall: Timestamp) {
        for shard in &self.shards {
            // Entries are handed out under this lock only, so a count of one stays one.
            lock(shard).retain(|_, live| {
                Arc::strong_count(live) > 1 || !live.window.is_idle(now) || !live.tally().is_idle(wall)
            });
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
        limiter::{Acquire, Limiter, LocalLimiter, Subject, Take},
        rate_limit::RateLimit,
    };

    #[test]
    fn an_entry_lives_until_its_window_is_empty_and_nobody_holds_it() {
        pollster::block_on(async {
            let clock = ManualClock::default();
            let limiter = LocalLimiter::new(Arc::new(clock.clone()));
            let live = LiveKeys::new();
            let org = OrgId::new("o").unwrap();
            let entry = live.entry(KeyId::from_bytes([7; 16]), &org);
            let take = [Take::one(Subject::Key(entry.key), RateLimit::DEFAULT, &entry.window)];
            assert!(matches!(limiter.acquire(&take), Acquire::Now(_)));
            live.sweep(clock.monotonic(), clock.wall());
            assert!(Arc::ptr_eq(&entry, &live.entry(entry.key, &org)));
            drop(entry);
            clock.advance(Duration::from_micros(59_999_999)).await;
            live.sweep(clock.monotonic(), clock.wall());
            assert_eq!(live.len(), 1, "a live window was dropped");
            clock.advance(Duration::from_micros(1)).await;
            live.sweep(clock.monotonic(), clock.wall());
            assert_eq!(live.len(), 0);
        });
    }
}
