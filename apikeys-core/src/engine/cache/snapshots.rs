use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::snapshot::Snapshot;
use crate::token::Fingerprint;

/// The number of parts, each with a lock of its own. With a million snapshots, the sweep holds each lock for well under a
/// millisecond.
const SHARDS: usize = 256;

/// The [snapshots](Snapshot) of recently used secrets, by their fingerprints. Some may be invalid.
///
/// Only stored secrets have snapshots, so that clients without a key cannot fill the memory.
#[derive(Debug)]
pub(super) struct Snapshots {
    shards: Box<[Shard]>,
}

/// Each shard has its own cache lines.
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
        // A fingerprint writes one number.
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

    /// Removes the snapshots that are not kept. Calls `pause` between the shards.
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
        // The hash uses the first bytes.
        let [.., last] = *fingerprint.as_bytes();
        self.shards.get(usize::from(last) % SHARDS)
    }
}
