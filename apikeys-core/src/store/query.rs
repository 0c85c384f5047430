use crate::{
    Timestamp,
    audit::Action,
    id::{EventId, KeyId, OrgId},
};

/// Some of a list, and where to go on.
///
/// `next` is the place after the last item, and none when the list is at its end. What is added
/// in the meantime never makes an item appear twice or be skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T, C> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// Pass it to the same query to go on.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// A page that goes on at `next`.
    #[must_use]
    pub const fn new(items: Vec<T>, next: Option<C>) -> Self {
        Self { items, next }
    }

    /// The first `limit` of `items`, which were read one beyond the limit to see whether there is
    /// more; `place` tells an item's place.
    #[must_use]
    pub fn cut(mut items: Vec<T>, limit: u32, place: impl FnOnce(&T) -> C) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(place) } else { None };
        Self { items, next }
    }
}

/// Which keys to list: newest first, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyQuery {
    /// Of which organization; of all, if none.
    pub org: Option<OrgId>,
    /// After this key, that is, older.
    pub after: Option<KeyId>,
    /// At most so many; at least 1.
    pub limit: u32,
}

impl KeyQuery {
    /// The first `limit` keys of `org`.
    #[must_use]
    pub const fn new(org: Option<OrgId>, limit: u32) -> Self {
        Self { org, after: None, limit }
    }

    /// Goes on after `key`.
    #[must_use]
    pub const fn after(mut self, key: Option<KeyId>) -> Self {
        self.after = key;
        self
    }
}

/// Which audit events to read: newest first, by id. Conditions are joined by 'and'.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditQuery {
    /// Of this organization.
    pub org: OrgId,
    /// Of this key only.
    pub key: Option<KeyId>,
    /// Of this kind only.
    pub action: Option<Action>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// After this event, that is, older.
    pub after: Option<EventId>,
    /// At most so many; at least 1.
    pub limit: u32,
}

impl AuditQuery {
    /// The latest `limit` events of `org`.
    #[must_use]
    pub const fn new(org: OrgId, limit: u32) -> Self {
        Self { org, key: None, action: None, since: None, until: None, after: None, limit }
    }

    /// Of this key only.
    #[must_use]
    pub const fn key(mut self, key: KeyId) -> Self {
        self.key = Some(key);
        self
    }

    /// Of this kind only.
    #[must_use]
    pub fn action(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }

    /// Not before `at`.
    #[must_use]
    pub const fn since(mut self, at: Timestamp) -> Self {
        self.since = Some(at);
        self
    }

    /// Before `at`.
    #[must_use]
    pub const fn until(mut self, at: Timestamp) -> Self {
        self.until = Some(at);
        self
    }

    /// Goes on after `event`.
    #[must_use]
    pub const fn after(mut self, event: Option<EventId>) -> Self {
        self.after = event;
        self
    }
}

/// How much a key was used, by hour or UTC day.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsageQuery {
    /// The organization the key must belong to.
    pub org: OrgId,
    /// The key.
    pub key: KeyId,
    /// From the hour or day that holds this point.
    pub since: Timestamp,
    /// Hours that begin before this point; of its day, if days are asked for, only those.
    pub until: Timestamp,
    /// Hours or days.
    pub step: UsageStep,
}

impl UsageQuery {
    /// The usage of a key from `since` to before `until`.
    #[must_use]
    pub const fn new(org: OrgId, key: KeyId, since: Timestamp, until: Timestamp, step: UsageStep) -> Self {
        Self { org, key, since, until, step }
    }
}

/// The length of a usage point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UsageStep {
    /// An hour, UTC.
    Hour,
    /// A day, UTC.
    Day,
}

impl UsageStep {
    /// Its length.
    #[must_use]
    pub const fn duration(self) -> std::time::Duration {
        match self {
            Self::Hour => std::time::Duration::from_secs(3_600),
            Self::Day => std::time::Duration::from_secs(86_400),
        }
    }
}

/// The usage in one hour or day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsagePoint {
    /// Its start.
    pub at: Timestamp,
    /// Admitted requests.
    pub requests: u64,
    /// Denied requests.
    pub denied: u64,
}

impl UsagePoint {
    /// A point.
    #[must_use]
    pub const fn new(at: Timestamp, requests: u64, denied: u64) -> Self {
        Self { at, requests, denied }
    }
}
