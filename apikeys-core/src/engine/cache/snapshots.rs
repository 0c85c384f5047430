use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::snapshot::Snapshot;
use crate::token::Fingerprint;

/// The number of parts of the map, each with a lock of its own. With a million snapshots, the sweep holds each lock for
/// well under a millisecond.
const SHARDS: usize = 256;

/// The [snapshots](Snapshot) of recently used secrets, by the fingerprints of the secrets. Some snapshots may be
/// invalid.
///
/// Only stored secrets have snapshots, so that clients without a key cannot fill the memory.
#[derive(Debug)]
pub(super) struct Snapshots {
    shards: Box<[Shard]>,
}

/// A part of the map. Each part has cache lines of its own, so that threads do not slow each other down.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<Map>);

/// The snapshots by the first eight bytes of the fingerprints, so that the entries are small. If two secrets have the same
/// first bytes, which is unlikely among 2^32 secrets, only one of them is in the map at a time.
type Map = HashMap<u64, Arc<Snapshot>, BuildHasherDefault<Itself>>;

impl Shard {
    fn lock(&self) -> MutexGuard<'_, Map> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a number as its own hash. Fingerprints are digests, so parts of them are distributed evenly.
#[derive(Debug, Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        // Not called, because a number calls only `write_u64`.
    }

    fn write_u64(&mut self, part: u64) {
        self.0 = part;
    }
}

impl Snapshots {
    pub(super) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Shard::default()).collect() }
    }

    pub(super) fn get(&self, fingerprint: &Fingerprint) -> Option<Arc<Snapshot>> {
        let found = self.shard(fingerprint)?.lock().get(&first(fingerprint)).map(Arc::clone);
        found.filter(|snapshot| snapshot.fingerprint == *fingerprint)
    }

    pub(super) fn insert(&self, snapshot: Arc<Snapshot>) {
        if let Some(shard) = self.shard(&snapshot.fingerprint) {
            shard.lock().insert(first(&snapshot.fingerprint), snapshot);
        }
    }

    /// Removes the snapshots for which `keep` returns `false`. Calls `pause` after each shard.
    pub(super) async fn retain<P: Future>(&self, keep: impl Fn(&Snapshot) -> bool, pause: impl Fn() -> P) {
        for shard in &self.shards {
            {
                let mut snapshots = shard.lock();
                snapshots.retain(|_, snapshot| keep(snapshot));
                if snapshots.len() < snapshots.capacity() / 4 {
                    snapshots.shrink_to_fit();
                }
            }
            pause().await;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    fn shard(&self, fingerprint: &Fingerprint) -> Option<&Shard> {
        // The map uses the first bytes, so the last byte chooses the shard.
        let [.., last] = *fingerprint.as_bytes();
        self.shards.get(usize::from(last) % SHARDS)
    }
}

fn first(fingerprint: &Fingerprint) -> u64 {
    fingerprint.as_bytes().first_chunk().copied().map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Actor, KeyName, OrgId, Plan, PlanName, Quota, Timestamp,
        engine::{cache::evictions::Evictions, live_keys::LiveKeys},
        id::KeyId,
        store::{FoundKey, KeyRow, Revision, SecretRow},
    };

    fn snapshot(fingerprint: Fingerprint, key: u8) -> Arc<Snapshot> {
        let at = Timestamp::from_micros(0);
        let id = KeyId::from_bytes([key; 16]);
        let (org, name) = (OrgId::new("org").unwrap(), KeyName::new("key").unwrap());
        let row = KeyRow::new(id, org, name, String::new(), at, Actor::new("ann").unwrap());
        let secret = SecretRow::new(fingerprint.into(), id, at);
        let found = FoundKey::new(secret, row, PlanName::new("plan").unwrap(), Revision(1));
        let plan = Arc::new(Plan::new("plan", Quota::Unlimited).unwrap());
        let epoch = <Evictions>::new().now();
        Arc::new(Snapshot::new(fingerprint, found, (plan, LiveKeys::new().entry(id)), epoch))
    }

    #[test]
    fn secret_whose_fingerprint_begins_like_another_never_gets_its_snapshot() {
        let snapshots = Snapshots::new();
        // The maps do not tell these fingerprints apart: they begin and end in the same way.
        let [one, other] = [1, 2].map(|middle| {
            let mut digest = [7; 32];
            digest[16] = middle;
            Fingerprint::from_bytes(digest)
        });
        snapshots.insert(snapshot(one, 1));
        assert_eq!(snapshots.get(&one).unwrap().key, KeyId::from_bytes([1; 16]));
        assert!(snapshots.get(&other).is_none());
        snapshots.insert(snapshot(other, 2));
        assert_eq!(snapshots.get(&other).unwrap().key, KeyId::from_bytes([2; 16]));
        assert!(snapshots.get(&one).is_none());
        assert_eq!(snapshots.len(), 1);
    }
}
