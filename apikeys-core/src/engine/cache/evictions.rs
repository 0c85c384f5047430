use std::sync::atomic::AtomicU64;

use super::number::Shared;
use crate::{
    id::{KeyId, OrgId},
    store::Changed,
};

/// The number of slots. A change of a key also evicts the other keys in its slot and the keys of the organizations in
/// its slot. With a million keys in memory, these are about 120 keys on average.
const SLOTS: usize = 1 << 14;

/// Decides which [snapshots](super::snapshot::Snapshot) may still be used.
///
/// An *eviction* makes all snapshots of a key or of an organization invalid without searching for them. Evictions are
/// numbered. Each key and each organization has a slot, which holds the number of the latest eviction in this slot.
/// Keys and organizations share the slots. A snapshot holds the number of the eviction that was the latest *before* the
/// store was read. The snapshot is invalid if the slot of its key or of its organization holds a higher number, or if
/// everything was evicted under a higher number.
///
/// A snapshot that was read before a change is therefore invalid as soon as the eviction for the change has returned,
/// even if the snapshot is added to the [cache](super::Cache) later.
#[derive(Debug)]
pub(super) struct Evictions<N = AtomicU64> {
    /// The number of the latest eviction.
    latest: N,
    /// The number of the latest eviction of everything.
    everything: N,
    slots: Box<[N]>,
}

/// The number of the eviction that was the latest at some point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::engine) struct Epoch(u64);

/// The slots of a key and of its organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slots {
    key: u16,
    org: u16,
}

impl Slots {
    pub(super) fn of(key: KeyId, org: &OrgId) -> Self {
        Self { key: key_slot(key), org: org_slot(org) }
    }
}

impl Evictions {
    pub(super) fn new() -> Self {
        Self::with_slots(SLOTS)
    }
}

impl<N: Shared> Evictions<N> {
    /// Creates `slots` slots. [`SLOTS`] must be a multiple of `slots`.
    pub(super) fn with_slots(slots: usize) -> Self {
        Self { latest: N::new(0), everything: N::new(0), slots: (0..slots).map(|_| N::new(0)).collect() }
    }

    /// Returns the number of the latest eviction. Call this before the store is read.
    pub(super) fn now(&self) -> Epoch {
        Epoch(self.latest.get())
    }

    /// Returns whether a snapshot is valid. `epoch` was the latest eviction before the snapshot was read.
    pub(super) fn is_valid(&self, epoch: Epoch, slots: Slots) -> bool {
        let is_unchanged = |slot: &N| slot.get() <= epoch.0;
        [slots.key, slots.org].iter().all(|slot| self.slot(*slot).is_some_and(is_unchanged))
            && is_unchanged(&self.everything)
    }

    /// Makes the snapshots of a changed key or organization invalid.
    pub(super) fn evict(&self, changed: &Changed) {
        let slot = match changed {
            Changed::Key(key) => key_slot(*key),
            Changed::Org(org) => org_slot(org),
        };
        if let Some(slot) = self.slot(slot) {
            self.mark(slot);
        }
    }

    /// Makes all snapshots invalid.
    pub(super) fn evict_everything(&self) {
        self.mark(&self.everything);
    }

    fn slot(&self, slot: u16) -> Option<&N> {
        self.slots.get(usize::from(slot) % self.slots.len())
    }

    fn mark(&self, slot: &N) {
        // A read that begins after this addition sees the change, because the change was committed before the eviction.
        let number = self.latest.increase() + 1;
        slot.raise(number);
    }
}

fn key_slot(key: KeyId) -> u16 {
    slot(key.as_bytes())
}

fn org_slot(org: &OrgId) -> u16 {
    slot(org.as_str().as_bytes())
}

/// Returns the slot of an id: its FNV-1a hash, with the bits mixed once more. Ids that are chosen to share a slot only
/// cause additional reads from the store.
fn slot(bytes: &[u8]) -> u16 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u16::try_from((mixed >> 32) % (SLOTS as u64)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> KeyId {
        KeyId::from_bytes([n; 16])
    }

    #[test]
    fn snapshot_is_valid_until_its_key_or_organization_is_evicted() {
        let (evictions, org) = (Evictions::new(), OrgId::new("o").unwrap());
        let slots = Slots::of(key(1), &org);
        let others = [Changed::Key(key(2)), Changed::Org(OrgId::new("other").unwrap())];
        let own = [Changed::Key(key(1)), Changed::Org(org)];
        for evicted in own {
            let epoch = evictions.now();
            others.iter().for_each(|other| evictions.evict(other));
            assert!(evictions.is_valid(epoch, slots));
            evictions.evict(&evicted);
            assert!(!evictions.is_valid(epoch, slots), "{evicted:?}");
            assert!(evictions.is_valid(evictions.now(), slots));
        }
        let epoch = evictions.now();
        evictions.evict_everything();
        assert!(!evictions.is_valid(epoch, slots));
        assert!(evictions.is_valid(evictions.now(), slots));
    }

    #[test]
    fn ids_are_spread_over_the_slots() {
        let mut used = std::collections::HashSet::new();
        for number in 0..SLOTS as u128 {
            used.insert(key_slot(KeyId::from_bytes(number.to_be_bytes())));
        }
        // Random slots would leave 1/e of all slots unused.
        assert!(used.len() > SLOTS / 2, "{} of {SLOTS} slots", used.len());
    }
}
