use crate::{
    Timestamp,
    audit::Action,
    id::{EventId, KeyId, OrgId},
};

/// A part of a list, and where the next part begins.
///
/// Items that are added between two queries never make an item appear twice or be skipped. A page
/// may hold fewer items than the limit, or none, and still have a next page; only `next` says
/// whether the list is at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T, C> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// The cursor of the next page, for the same query; `None` at the end of the list.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// Creates a page.
    #[must_use]
    pub const fn new(items: Vec<T>, next: Option<C>) -> Self {
        Self { items, next }
    }

    /// Creates a page of the first `limit` of `items`. The caller has read one item beyond the
    /// limit, which shows whether there is a next page; `place` returns the cursor of an item.
    #[must_use]
    pub fn cut(mut items: Vec<T>, limit: u32, place: impl FnOnce(&T) -> C) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(place) } else { None };
        Self { items, next }
    }
}

/// A query for keys: newest first, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyQuery {
    /// The organization whose keys are listed; `None` means all organizations.
    pub org: Option<OrgId>,
    /// Only keys older than this key; `None` starts with the newest.
    pub after: Option<KeyId>,
    /// The most items on the page; at least 1.
    pub limit: u32,
}

impl KeyQuery {
    /// Creates a query for the newest `limit` keys of `org`.
    #[must_use]
    pub const fn new(org: Option<OrgId>, limit: u32) -> Self {
        Self { org, after: None, limit }
    }

    /// Continues after `key`.
    #[must_use]
    pub const fn after(mut self, key: Option<KeyId>) -> Self {
        self.after = key;
        self
    }
}

/// A query for audit events: newest first, by id. An event must meet all conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditQuery {
    /// The organization whose events are read.
    pub org: OrgId,
    /// Only events of this key; `None` means all.
    pub key: Option<KeyId>,
    /// Only events of this kind; `None` means all.
    pub action: Option<Action>,
    /// Only events at or after this time; `None` means all.
    pub since: Option<Timestamp>,
    /// Only events before this time; `None` means all.
    pub until: Option<Timestamp>,
    /// Only events older than this event; `None` starts with the newest.
    pub after: Option<EventId>,
    /// The most items on the page; at least 1.
    pub limit: u32,
}

impl AuditQuery {
    /// Creates a query for the latest `limit` events of `org`.
    #[must_use]
    pub const fn new(org: OrgId, limit: u32) -> Self {
        Self { org, key: None, action: None, since: None, until: None, after: None, limit }
    }

    /// Only returns events of `key`.
    #[must_use]
    pub const fn key(mut self, key: KeyId) -> Self {
        self.key = Some(key);
        self
    }

    /// Only returns events of this kind.
    #[must_use]
    pub fn action(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }

    /// Only returns events at or after `at`.
    #[must_use]
    pub const fn since(mut self, at: Timestamp) -> Self {
        self.since = Some(at);
        self
    }

    /// Only returns events before `at`.
    #[must_use]
    pub const fn until(mut self, at: Timestamp) -> Self {
        self.until = Some(at);
        self
    }

    /// Continues after `event`.
    #[must_use]
    pub const fn after(mut self, event: Option<EventId>) -> Self {
        self.after = event;
        self
    }
}

/// A query for the usage of a key, by hour or UTC day.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsageQuery {
    /// The organization that owns the key.
    pub org: OrgId,
    /// The key.
    pub key: KeyId,
    /// The beginning; the whole hour or day that contains it is returned.
    pub since: Timestamp,
    /// The end; hours that begin at or after it are left out.
    pub until: Timestamp,
    /// The length of the points.
    pub step: UsageStep,
}

impl UsageQuery {
    /// Creates a query for the usage of a key from `since` to before `until`.
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
    /// Returns the length of the step.
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
    /// The start of the hour or day.
    pub at: Timestamp,
    /// The number of admitted requests.
    pub requests: u64,
    /// The number of denied requests.
    pub denied: u64,
}

impl UsagePoint {
    /// Creates a point.
    #[must_use]
    pub const fn new(at: Timestamp, requests: u64, denied: u64) -> Self {
        Self { at, requests, denied }
    }
}
