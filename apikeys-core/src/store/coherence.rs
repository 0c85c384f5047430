use std::time::Duration;

use async_trait::async_trait;

use super::{Revision, StoreResult};
use crate::id::{InstanceId, KeyId, OrgId};

/// The part of a store that tells instances which keys have changed, so that an instance can keep keys in memory.
///
/// Here, an *instance* is one [engine](crate::engine). A process with two engines has two instances. The store keeps a
/// row for each registered instance: the id of the instance, the length of its *lease*, and the [`Revision`] up to
/// which the instance has *applied* changes. To apply a change means to drop what the instance has in memory about the
/// changed key or organization. The lease is the time for which the instance may use the keys in its memory. Several
/// times in each lease, the instance asks the store for changes ([`poll`](Self::poll)), and extends the lease after
/// each answer.
///
/// After a change, the engine waits until every other instance has applied the change ([`behind`](Self::behind)). If an
/// instance does not apply the change, the engine waits until the lease of that instance has surely ended, and then
/// removes the row of that instance ([`fence`](Self::fence)). The instance without a row notices that at its next poll,
/// and registers again under a new id. The comment at the top of `apikeys-core/src/engine/cache.rs` explains why no
/// instance uses an older state when a change has returned.
///
/// The rows of instances contain no times. Each instance measures its lease with its own clock.
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
    /// return only some of them, for example 1,000, but returns at least one if there are any.
    async fn behind(&self, revision: Revision) -> StoreResult<Vec<BehindInstance>>;

    /// Removes the rows of those of `instances` that have still not applied all changes up to a revision. Ids without a
    /// row are ignored.
    async fn fence(&self, instances: &[InstanceId], revision: Revision) -> StoreResult<()>;

    /// Removes the row of an instance that shuts down or registers again. If the instance has no row, nothing changes.
    async fn leave(&self, instance: InstanceId) -> StoreResult<()>;

    /// Returns the latest revision.
    async fn revision(&self) -> StoreResult<Revision>;

    /// Waits until there may be a later revision than `applied`. The engine then polls at once. The engine also polls
    /// at a fixed interval, so this method may miss changes, and may return when there is no change. The default
    /// implementation waits forever.
    async fn hint(&self, applied: Revision) -> StoreResult<()> {
        let _ = applied;
        std::future::pending().await
    }
}

/// The highest number of changes that [`Coherence::poll`] returns. If there are more, the instance drops all keys from
/// its memory and registers again.
pub const MAX_POLLED_CHANGES: usize = 1_000;

/// The result of [`Coherence::poll`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Polled {
    /// Whether the instance has a row.
    pub registered: bool,
    /// The latest revision.
    pub revision: Revision,
    /// The keys and organizations that were changed after the given revision, in any order. `None` means that the store
    /// no longer has some of these changes, or that there are more than [`MAX_POLLED_CHANGES`].
    pub changes: Option<Vec<Changed>>,
}

impl Polled {
    /// Creates the result of a poll.
    #[must_use]
    pub const fn new(registered: bool, revision: Revision, changes: Option<Vec<Changed>>) -> Self {
        Self { registered, revision, changes }
    }

    /// Creates the result of a poll from the changes that the store has after the revision `applied`. Each revision is
    /// one change, so the number of changes shows whether some are missing.
    #[must_use]
    pub fn after(applied: Revision, registered: bool, revision: Revision, changes: Vec<Changed>) -> Self {
        let expected = revision.0.checked_sub(applied.0).and_then(|number| usize::try_from(number).ok());
        let complete = expected == Some(changes.len()) && changes.len() <= MAX_POLLED_CHANGES;
        Self { registered, revision, changes: complete.then_some(changes) }
    }
}

/// The key or organization that a change concerns.
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
