use crate::{
    audit::AuditEvent,
    id::{ChangeId, KeyId, OrgId},
    key::{KeyRow, SecretRow},
    plan::PlanName,
    token::Locator,
};

/// The number of the latest change, counted over the whole store: 0 before the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// One mutation, committed in one transaction with its audit events.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// Tells a repeated attempt from a new change.
    pub id: ChangeId,
    /// What to change.
    pub kind: ChangeKind,
    /// What to write on the audit log with it.
    pub events: Vec<AuditEvent>,
}

impl Change {
    /// A change with its audit events.
    #[must_use]
    pub const fn new(id: ChangeId, kind: ChangeKind, events: Vec<AuditEvent>) -> Self {
        Self { id, kind, events }
    }

    /// The organization whose row is locked.
    #[must_use]
    pub const fn org(&self) -> &OrgId {
        match &self.kind {
            ChangeKind::Create { row, .. } | ChangeKind::Update { row, .. } => &row.org,
            ChangeKind::Delete { org, .. }
            | ChangeKind::SetPlan { org, .. }
            | ChangeKind::ForgetOrg { org } => org,
        }
    }

    /// The key that changes, if it is one key.
    #[must_use]
    pub const fn key(&self) -> Option<KeyId> {
        match &self.kind {
            ChangeKind::Create { row, .. } | ChangeKind::Update { row, .. } => Some(row.id),
            ChangeKind::Delete { key, .. } => Some(*key),
            ChangeKind::SetPlan { .. } | ChangeKind::ForgetOrg { .. } => None,
        }
    }
}

/// What a [`Change`] changes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// Adds a key and its secrets, if the organization is on `expected_plan` and has fewer than
    /// `max_keys` keys. An organization that is not stored yet is stored, on `expected_plan`.
    Create {
        /// The key.
        row: KeyRow,
        /// Its secrets.
        secrets: Vec<SecretRow>,
        /// The plan that `max_keys` was read from.
        expected_plan: PlanName,
        /// How many keys the plan allows; any number, if none.
        max_keys: Option<u32>,
    },
    /// Replaces a key's row, if the stored one has `expected_version`.
    Update {
        /// The new row, with a higher version; id and organization name the old one.
        row: KeyRow,
        /// The version that the change was made from.
        expected_version: u64,
        /// Secrets to add.
        added: Vec<SecretRow>,
        /// Secrets of this key to forget, before others are added.
        dropped: Vec<Locator>,
    },
    /// Removes a key, its secrets, counters and usage; leaves id, organization, name and display
    /// prefix for the audit log.
    Delete {
        /// The organization the key must belong to.
        org: OrgId,
        /// The key.
        key: KeyId,
    },
    /// Sets an organization's plan, if its stored plan is `expected`.
    SetPlan {
        /// The organization.
        org: OrgId,
        /// The plan it gets.
        plan: PlanName,
        /// The plan it is on; none if it is not stored yet.
        expected: Option<PlanName>,
    },
    /// Removes everything there is of an organization: keys, secrets, counters, usage, what
    /// deletions left, audit events. The events of this change are written afterwards.
    ForgetOrg {
        /// The organization.
        org: OrgId,
    },
}

/// What became of a [`Change`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Committed {
    /// It is done, now or when the same change was committed before.
    Done {
        /// The revision it made.
        revision: Revision,
    },
    /// There is no such key in that organization; nothing was written. Also the answer to
    /// forgetting an organization that is not stored.
    NotFound {
        /// The revision at which it was missing.
        revision: Revision,
    },
    /// The key has another version than expected; nothing was written.
    VersionConflict,
    /// The organization has as many keys as it may; nothing was written.
    QuotaFull {
        /// How many it has.
        used: u32,
    },
    /// The organization is on another plan than expected; nothing was written.
    PlanChanged,
    /// A secret with such a locator exists; nothing was written.
    DuplicateLocator,
}
