use super::{Changed, KeyRow, SecretRow, StoredPlan};
use crate::{
    audit::AuditEvent,
    id::{ChangeId, KeyId, OrgId},
    plan::PlanName,
    token::Locator,
};

/// The number of a committed change in the whole store. The first change has the number 1. The number 0 means
/// that no change was committed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// A change of an organization or of a key. The change and its audit events are committed in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The id by which the store recognizes a repeated attempt.
    pub id: ChangeId,
    /// The kind of the change, with its values.
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

    /// Returns the organization that the change is for.
    #[must_use]
    pub const fn org(&self) -> &OrgId {
        match &self.kind {
            ChangeKind::Create { row, .. } | ChangeKind::Update { row, .. } => &row.org,
            ChangeKind::Delete { org, .. }
            | ChangeKind::SetPlan { org, .. }
            | ChangeKind::ForgetOrg { org } => org,
        }
    }

    /// Returns the key that the change is for, or `None` if the change is for the whole organization.
    #[must_use]
    pub const fn key(&self) -> Option<KeyId> {
        match &self.kind {
            ChangeKind::Create { row, .. } | ChangeKind::Update { row, .. } => Some(row.id),
            ChangeKind::Delete { key, .. } => Some(*key),
            ChangeKind::SetPlan { .. } | ChangeKind::ForgetOrg { .. } => None,
        }
    }

    /// Returns what an instance must drop from its memory after this change.
    #[must_use]
    pub fn changed(&self) -> Changed {
        self.key().map_or_else(|| Changed::Org(self.org().clone()), Changed::Key)
    }
}

/// The kind of a [`Change`], with its values.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// Adds a key and its secrets. The organization's stored plan must equal `expected`, and the organization
    /// must have fewer than `max_keys` keys. If the organization is not stored, the store adds the
    /// organization with `plan`.
    ///
    /// `expected` contains the organization's number. If the organization was forgotten after the change was
    /// prepared, the result is therefore [`PlanChanged`](CommitOutcome::PlanChanged), even if the organization
    /// was stored again on the same plan.
    Create {
        /// The key.
        row: KeyRow,
        /// The key's secrets.
        secrets: Vec<SecretRow>,
        /// The plan for an organization that is not stored yet.
        plan: PlanName,
        /// The stored plan when the change was prepared. `None` means that the organization was not stored.
        ///
        /// A change with `None` is committed if the organization is not stored at the time of the commit, even
        /// if the organization was stored and forgotten after the change was prepared.
        expected: Option<StoredPlan>,
        /// The number of keys that the plan allows. `None` means any number.
        max_keys: Option<u32>,
    },
    /// Replaces a key's row if the stored row has the version `expected_version`.
    Update {
        /// The new row, with a higher version and the same id and organization.
        row: KeyRow,
        /// The version of the row from which the update was made.
        expected_version: u64,
        /// The secrets to add.
        added: Vec<SecretRow>,
        /// The locators of the key's secrets to remove. The store removes them before it adds `added`, and
        /// ignores the locators of other keys.
        dropped: Vec<Locator>,
    },
    /// Removes a key with its secrets, counters and usage. The key's id, organization, name and display
    /// prefix remain for the audit log. The usage can no longer be read, but a store may remove its rows later,
    /// in [`KeyStore::purge`](super::KeyStore::purge).
    Delete {
        /// The organization that owns the key.
        org: OrgId,
        /// The key.
        key: KeyId,
    },
    /// Sets an organization's plan. The stored plan must equal `expected`. If the organization is not stored,
    /// the store adds it.
    SetPlan {
        /// The organization.
        org: OrgId,
        /// The new plan.
        plan: PlanName,
        /// The stored plan when the change was prepared. `None` means that the organization was not stored.
        ///
        /// A change with `None` is committed if the organization is not stored at the time of the commit, even
        /// if the organization was stored and forgotten after the change was prepared.
        expected: Option<StoredPlan>,
    },
    /// Makes an organization unreadable and marks all its rows for removal: keys, secrets, counters, usage,
    /// audit events, and what remained of deleted keys. The events of this change itself are not marked and
    /// remain in the audit log.
    ///
    /// The transaction is short, however many rows the organization has.
    /// [`KeyStore::purge`](super::KeyStore::purge) removes the marked rows later. The same organization id
    /// can be stored again at once, as a new organization.
    ForgetOrg {
        /// The organization.
        org: OrgId,
    },
}

/// The outcome of a [`Change`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitOutcome {
    /// The change was committed, now or earlier under the same change id.
    Done {
        /// The revision of the change.
        revision: Revision,
    },
    /// The organization does not have the key, or the organization to forget is not stored. Nothing was
    /// written.
    NotFound {
        /// The latest revision when the store found that the key or organization is missing.
        revision: Revision,
    },
    /// The stored version of the key is not the expected version. Nothing was written.
    VersionConflict,
    /// The organization already has as many keys as its plan allows. Nothing was written.
    QuotaFull {
        /// The number of keys that the organization has.
        used: u32,
    },
    /// The organization's stored plan is not the expected plan, or the organization was forgotten after the change
    /// was prepared. Nothing was written.
    PlanChanged,
    /// A secret with the same locator exists, or the change contains a locator twice. Nothing was written.
    DuplicateLocator,
}
