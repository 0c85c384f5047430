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

type Map = HashMap<Fingerprint, Arc<Snapshot>, BuildHasherDefault<Prefix>>;

impl Shard {
    fn lock(&self) -> MutexGuard<'_, Map> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a part of a fingerprint as its hash. Fingerprints are digests, which are distributed evenly.
#[derive(Debug, Default)]
pub(super) struct Prefix(u64);

impl Hasher for Prefix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        // Not called, because a `Fingerprint` writes only one number.
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
        self.shard(fingerprint)?.lock().get(fingerprint).map(Arc::clone)
    }

    pub(super) fn insert(&self, fingerprint: Fingerprint, snapshot: Arc<Snapshot>) {
        if let Some(shard) = self.shard(&fingerprint) {
            shard.lock().insert(fingerprint, snapshot);
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
        // The hash uses the first bytes, so the last byte chooses the shard.
        let [.., last] = *fingerprint.as_bytes();
        self.shards.get(usize::from(last) % SHARDS)
    }
}
