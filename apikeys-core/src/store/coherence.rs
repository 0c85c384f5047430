use std::time::Duration;

use async_trait::async_trait;

use super::{Revision, StoreResult};
use crate::id::{InstanceId, KeyId, OrgId};

/// The part of a store that tells instances which keys have changed, so that an instance can keep keys in memory.
///
/// An *instance* is one [engine](crate::engine). The store keeps a row for each registered instance: its id, the length
/// of its *lease*, and the revision up to which it has *applied* changes. To apply a change means to drop what the
/// instance has in memory about the changed key or organization. The instance uses its memory only while its lease
/// lasts, and asks for changes ([`poll`](Self::poll)) several times in each lease.
///
/// After a change, the engine waits until every other instance has applied it ([`behind`](Self::behind)). If an
/// instance does not apply the change, the engine waits until the lease of that instance has surely ended, and then
/// removes its row ([`fence`](Self::fence)). The removed instance notices that at its next poll, and registers again
/// under a new id. The docs of the module `engine/cache.rs` explain why no instance then uses an older state.
///
/// The store stores no times. Each instance measures its lease with its own clock.
///
/// Each method is one transaction, and reads the primary database. A future may be dropped at any point, as with
/// [`KeyStore`](super::KeyStore).
#[async_trait]
pub trait Coherence: Send + Sync {
    /// Adds the row of an instance, and returns the latest revision. The instance counts as having applied all changes up
    /// to that revision. The row is committed before the method returns.
    ///
    /// The engine uses each id for one registration only. If a registration is repeated under the same id, nothing
    /// changes, and the method returns the revision in the row.
    async fn register(&self, instance: InstanceId, lease: Duration) -> StoreResult<Revision>;

    /// Returns whether the instance has a row, the latest revision, and the changes after the revision `applied`. All
    /// are read at the same point in time. This method writes nothing, and is fast if there are no new changes.
    async fn poll(&self, instance: InstanceId, applied: Revision) -> StoreResult<Polled>;

    /// Stores that an instance has applied all changes up to a revision. Returns whether the instance has a row. A lower
    /// revision than the stored one changes nothing.
    async fn acknowledge(&self, instance: InstanceId, applied: Revision) -> StoreResult<bool>;

    /// Returns the registered instances that have not applied all changes up to a revision, in any order. A store may
    /// return only some of them, for example 1,000, but at least one if there are any.
    async fn behind(&self, revision: Revision) -> StoreResult<Vec<BehindInstance>>;

    /// Removes the rows of those of `instances` that have still not applied all changes up to a revision. Ids without a
    /// row are ignored.
    async fn fence(&self, instances: &[InstanceId], revision: Revision) -> StoreResult<()>;

    /// Removes the row of an instance that ends. Without a row, nothing changes.
    async fn leave(&self, instance: InstanceId) -> StoreResult<()>;

    /// Returns the latest revision.
    async fn revision(&self) -> StoreResult<Revision>;

    /// Waits until there may be a later revision than `applied`. The engine also polls at a fixed interval, so a store may
    /// miss changes here, and may return when there is no change. The default implementation waits forever.
    async fn hint(&self, applied: Revision) -> StoreResult<()> {
        let _ = applied;
        std::future::pending().await
    }
}

/// The number of changes that [`Coherence::poll`] returns at most. If there are more, the instance drops all keys that it
/// has in memory.
pub const MAX_POLLED_CHANGES: usize = 1_000;

/// The result of [`Coherence::poll`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Polled {
    /// Whether the instance has a row.
    pub registered: bool,
    /// The latest revision.
    pub revision: Revision,
    /// What the changes after the given revision have changed, in any order. `None` means that the store no longer knows
    /// some of the changes, or that there are more than [`MAX_POLLED_CHANGES`].
    pub changes: Option<Vec<Changed>>,
}

impl Polled {
    /// Creates the result of a poll.
    #[must_use]
    pub const fn new(registered: bool, revision: Revision, changes: Option<Vec<Changed>>) -> Self {
        Self { registered, revision, changes }
    }

    /// Creates the result of a poll from the changes that the store has after the revision `applied`. Each revision is
    /// one change, so their number shows whether some are missing.
    #[must_use]
    pub fn after(applied: Revision, registered: bool, revision: Revision, changes: Vec<Changed>) -> Self {
        let expected = revision.0.checked_sub(applied.0).and_then(|number| usize::try_from(number).ok());
        let complete = expected == Some(changes.len()) && changes.len() <= MAX_POLLED_CHANGES;
        Self { registered, revision, changes: complete.then_some(changes) }
    }
}

/// What a change has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Changed {
    /// A key.
    Key(KeyId),
    /// An organization, and therefore each of its keys.
    Org(OrgId),
}

/// An instance that has not applied all changes up to a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BehindInstance {
    /// The instance.
    pub instance: InstanceId,
    /// The length of the instance's lease.
    pub lease: Duration,
}

impl BehindInstance {
    /// Creates an element of the result of [`Coherence::behind`].
    #[must_use]
    pub const fn new(instance: InstanceId, lease: Duration) -> Self {
        Self { instance, lease }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_or_too_many_changes_are_noticed() {
        let changes = |number: u8| -> Vec<_> {
            (0..number).map(|n| Changed::Key(KeyId::from_bytes([n; 16]))).collect()
        };
        let polled = |applied, revision, changes| {
            Polled::after(Revision(applied), true, Revision(revision), changes).changes
        };
        assert_eq!(polled(5, 5, changes(0)), Some(vec![]));
        assert_eq!(polled(5, 7, changes(2)), Some(changes(2)));
        assert_eq!(polled(5, 7, changes(1)), None);
        assert_eq!(polled(5, 4, changes(0)), None, "the store lost a change");
        let many = vec![Changed::Key(KeyId::from_bytes([0; 16])); MAX_POLLED_CHANGES + 1];
        assert_eq!(polled(0, many.len() as u64, many), None);
    }
}
