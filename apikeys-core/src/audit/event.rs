use super::{Changes, RequestRecord};
use crate::{
    Timestamp,
    id::{Actor, EventId, KeyId, OrgId},
    key::KeyName,
    text_enum::text_enum,
};

/// An event of the audit log in the form in which a store holds it.
///
/// The event contains only the id of its key. The key's name and display prefix are looked up when the log is
/// read. For a deleted key, the log shows the last name and display prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEvent {
    /// The event's id. The log is ordered by the ids of its events.
    pub id: EventId,
    /// The time of the event. For a request, this is the time at which the verification began.
    pub at: Timestamp,
    /// The organization whose audit log contains the event.
    pub org: OrgId,
    /// The key that the event concerns. `None` means that the event concerns the whole organization, or stands for
    /// events that could not be stored ([`Detail::Gap`]).
    pub key: Option<KeyId>,
    /// The kind of event.
    pub action: Action,
    /// The actor who made the change, or [`system`](Actor::system) for a warning that was sent. `None` means that
    /// the event describes a request, or stands for events that could not be stored ([`Detail::Gap`]).
    pub actor: Option<Actor>,
    /// The details of the event.
    pub detail: Detail,
}

impl AuditEvent {
    /// Creates an event without key, actor and details.
    #[must_use]
    pub const fn new(id: EventId, at: Timestamp, org: OrgId, action: Action) -> Self {
        Self { id, at, org, key: None, action, actor: None, detail: Detail::None }
    }

    /// Returns the request that the event describes. `None` means that the event is not about a request.
    #[must_use]
    pub const fn request(&self) -> Option<&RequestRecord> {
        match &self.detail {
            Detail::Request(record) => Some(record),
            Detail::None | Detail::Changes(_) | Detail::Gap { .. } => None,
        }
    }
}

/// The details of an [`AuditEvent`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// The event has no details besides its action.
    None,
    /// The values that changed.
    Changes(Changes),
    /// The request that was made with the key.
    Request(RequestRecord),
    /// The event stands for events that could not be stored.
    Gap {
        /// The number of the events that could not be stored.
        lost: u32,
    },
}

text_enum! {
    /// The kinds of audit event.
    pub enum Action("action", other) {
        /// A key was created.
        KeyCreated = "key.created",
        /// A key's name, expiration date or rate limit was changed.
        KeyUpdated = "key.updated",
        /// A key was activated.
        KeyActivated = "key.activated",
        /// A key was deactivated.
        KeyDeactivated = "key.deactivated",
        /// A key was deleted.
        KeyDeleted = "key.deleted",
        /// A warning that a key expires soon was sent to the administrators of the organization.
        KeyExpiryWarned = "key.expiry_warned",
        /// The organization's plan was changed.
        PlanChanged = "plan.changed",
        /// The organization was forgotten, and its keys and earlier events were removed.
        OrganizationForgotten = "organization.forgotten",
        /// A request with a key was admitted or denied.
        Request = "request",
        /// One or more events could not be stored, because the store rejected them or could not read the counters
        /// of their key. [`Detail::Gap`] contains their number.
        AuditGap = "audit.gap",
    }
}

/// An event of the audit log in the form in which it is read. The entry contains the name and the display
/// prefix that the event's key has now, or had when it was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// The event.
    pub event: AuditEvent,
    /// The key that the event concerns, with its name. `None` means that `event.key` is `None`, or that the
    /// store has lost the row with the name, for example because the row was deleted by hand.
    pub key: Option<KeyRef>,
}

impl AuditEntry {
    /// Creates an entry from an event and what is known of its key.
    #[must_use]
    pub const fn new(event: AuditEvent, key: Option<KeyRef>) -> Self {
        Self { event, key }
    }
}

/// A key as an [`AuditEntry`] shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRef {
    /// The key's id.
    pub id: KeyId,
    /// The key's current name, or the name that the key had when it was deleted.
    pub name: KeyName,
    /// The beginning of the key's secret: its prefix, `_` and the next four characters, such as
    /// `acme_live_7Hc3`.
    pub display_prefix: String,
}

impl KeyRef {
    /// Creates a reference to a key.
    #[must_use]
    pub const fn new(id: KeyId, name: KeyName, display_prefix: String) -> Self {
        Self { id, name, display_prefix }
    }
}
