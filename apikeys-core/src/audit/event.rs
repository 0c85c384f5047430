use std::fmt;

use super::{Changes, RequestRecord};
use crate::{
    Timestamp,
    id::{Actor, EventId, KeyId, OrgId},
    key::KeyName,
};

/// One event of the audit log, as it is stored.
///
/// It names its key by id only: the key's name and display prefix are looked up when the log is
/// read, in the key or in what a deletion left of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEvent {
    /// Its id; the log is ordered by it.
    pub id: EventId,
    /// When it happened; for a request, when it began.
    pub at: Timestamp,
    /// Whose log it is on.
    pub org: OrgId,
    /// The key it concerns, if any.
    pub key: Option<KeyId>,
    /// What happened.
    pub action: Action,
    /// Who did it; none for requests and gaps.
    pub actor: Option<Actor>,
    /// The particulars.
    pub detail: Detail,
}

impl AuditEvent {
    /// An event without key, actor and particulars.
    #[must_use]
    pub const fn new(id: EventId, at: Timestamp, org: OrgId, action: Action) -> Self {
        Self { id, at, org, key: None, action, actor: None, detail: Detail::None }
    }

    /// The request, if the event is one.
    #[must_use]
    pub const fn request(&self) -> Option<&RequestRecord> {
        match &self.detail {
            Detail::Request(record) => Some(record),
            Detail::None | Detail::Changes(_) | Detail::Gap { .. } => None,
        }
    }
}

/// The particulars of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// The action says it all.
    None,
    /// What changed from what to what.
    Changes(Changes),
    /// A request made with the key.
    Request(RequestRecord),
    /// Events that could not be stored.
    Gap {
        /// How many.
        lost: u32,
    },
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Action {
    /// `key.created`
    KeyCreated,
    /// `key.updated`: name, expiration or rate limit
    KeyUpdated,
    /// `key.activated`
    KeyActivated,
    /// `key.deactivated`
    KeyDeactivated,
    /// `key.deleted`
    KeyDeleted,
    /// `key.expiry_warned`
    KeyExpiryWarned,
    /// `plan.changed`
    PlanChanged,
    /// `organization.forgotten`
    OrganizationForgotten,
    /// `request`: one made with a key, admitted or denied
    Request,
    /// `audit.gap`: events are missing here
    AuditGap,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::KeyCreated,
        Self::KeyUpdated,
        Self::KeyActivated,
        Self::KeyDeactivated,
        Self::KeyDeleted,
        Self::KeyExpiryWarned,
        Self::PlanChanged,
        Self::OrganizationForgotten,
        Self::Request,
        Self::AuditGap,
    ];

    /// The action's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyCreated => "key.created",
            Self::KeyUpdated => "key.updated",
            Self::KeyActivated => "key.activated",
            Self::KeyDeactivated => "key.deactivated",
            Self::KeyDeleted => "key.deleted",
            Self::KeyExpiryWarned => "key.expiry_warned",
            Self::PlanChanged => "plan.changed",
            Self::OrganizationForgotten => "organization.forgotten",
            Self::Request => "request",
            Self::AuditGap => "audit.gap",
        }
    }

    /// The action of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An event as it is read: with the name and display prefix that its key has now, or had last.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// The event.
    pub event: AuditEvent,
    /// Its key, if it concerns one.
    pub key: Option<KeyRef>,
}

impl AuditEntry {
    /// An event with what is known of its key.
    #[must_use]
    pub const fn new(event: AuditEvent, key: Option<KeyRef>) -> Self {
        Self { event, key }
    }
}

/// A key as an audit entry shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRef {
    /// The key's id.
    pub id: KeyId,
    /// Its name now, or when it was deleted.
    pub name: KeyName,
    /// Its display prefix.
    pub display_prefix: String,
}

impl KeyRef {
    /// A key's name and display prefix.
    #[must_use]
    pub const fn new(id: KeyId, name: KeyName, display_prefix: String) -> Self {
        Self { id, name, display_prefix }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_survive_their_name() {
        for action in Action::ALL {
            assert_eq!(Action::parse(action.as_str()), Some(action));
        }
        assert_eq!(Action::parse("key.exploded"), None);
    }
}
