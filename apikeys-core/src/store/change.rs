use crate::{
    audit::AuditEvent,
    id::{ChangeId, KeyId, OrgId},
    key::{KeyRow, SecretRow},
    plan::PlanName,
    token::Locator,
};

/// The number of a change, counted over the whole store. The first change has number 1; 0 is the
/// state before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// One mutation, committed in one transaction with its audit events.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The id by which the store recognizes a repeated attempt.
    pub id: ChangeId,
    /// What the change does.
    pub kind: ChangeKind,
    /// The audit events that are written in the same transaction.
    pub events: Vec<AuditEvent>,
}

impl Change {
    /// Creates a change with its audit events.
    #[must_use]
    pub const fn new(id: ChangeId, kind: ChangeKind, events: Vec<AuditEvent>) -> Self {
        Self { id, kind, events }
    }

    /// Returns the organization that changes.
    #[must_use]
    pub const fn org(&self) -> &OrgId {
        match &self.kind {
            ChangeKind::Create { row, .. } | ChangeKind::Update { row, .. } => &row.org,
            ChangeKind::Delete { org, .. }
            | ChangeKind::SetPlan { org, .. }
            | ChangeKind::ForgetOrg { org } => org,
        }
    }

    /// Returns the key that changes, or `None` if the change is about the whole organization.
    #[must_use]
    pub const fn key(&self) -> Option<KeyId> {
        match &self.kind {
            ChangeKind::Create { row, .. } | ChangeKind::Update { row, .. } => Some(row.id),
            ChangeKind::Delete { key, .. } => Some(*key),
            ChangeKind::SetPlan { .. } | ChangeKind::ForgetOrg { .. } => None,
        }
    }
}

/// What a [`Change`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// Adds a key and its secrets, if the organization's stored plan is `expected` and it has
    /// fewer than `max_keys` keys. An organization that is not stored yet is stored, on `plan`.
    ///
    /// `expected` keeps a creation from storing an organization again that was forgotten in the
    /// meantime.
    Create {
        /// The key.
        row: KeyRow,
        /// The key's secrets.
        secrets: Vec<SecretRow>,
        /// The plan that an organization without a stored plan is stored on.
        plan: PlanName,
        /// The stored plan that the change was decided on; `None` if the organization was not
        /// stored.
        expected: Option<PlanName>,
        /// The number of keys that the plan allows; `None` means any number.
        max_keys: Option<u32>,
    },
    /// Replaces a key's row, if the stored row has `expected_version`.
    Update {
        /// The new row, with a higher version and the same id and organization.
        row: KeyRow,
        /// The version that the change was made from.
        expected_version: u64,
        /// Secrets to add.
        added: Vec<SecretRow>,
        /// Secrets of this key to remove, before others are added.
        dropped: Vec<Locator>,
    },
    /// Removes a key with its secrets, counters and usage. The key's id, organization, name and
    /// display prefix stay for the audit log.
    Delete {
        /// The organization that owns the key.
        org: OrgId,
        /// The key.
        key: KeyId,
    },
    /// Sets an organization's plan, if its stored plan is `expected`.
    SetPlan {
        /// The organization.
        org: OrgId,
        /// The new plan.
        plan: PlanName,
        /// The stored plan that the change was decided on; `None` if the organization was not
        /// stored.
        expected: Option<PlanName>,
    },
    /// Makes an organization unreadable and marks all its rows for removal: keys, secrets,
    /// counters, usage, the remains of deleted keys, audit events. The events of this change are
    /// written afterwards, and stay.
    ///
    /// This is one short transaction, whatever the organization has stored.
    /// [`KeyStore::purge`](super::KeyStore::purge) removes the marked rows afterwards. The same
    /// organization id can be stored again at once, as a new organization.
    ForgetOrg {
        /// The organization.
        org: OrgId,
    },
}

/// The outcome of a [`Change`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Committed {
    /// The change is done, now or when the same change was committed before.
    Done {
        /// The revision that the change made.
        revision: Revision,
    },
    /// The organization has no such key, or the organization to forget is not stored; nothing was
    /// written.
    NotFound {
        /// The latest revision when the key or organization was missing.
        revision: Revision,
    },
    /// The key has another version than expected; nothing was written.
    VersionConflict,
    /// The organization has as many keys as its plan allows; nothing was written.
    QuotaFull {
        /// The number of keys that the organization has.
        used: u32,
    },
    /// The organization is on another plan than expected; nothing was written.
    PlanChanged,
    /// A secret with such a locator exists; nothing was written.
    DuplicateLocator,
}
