use crate::{
    Timestamp,
    audit::Action,
    id::{EventId, KeyId, OrgId},
};

/// A part of a list, with the cursor of the next part.
///
/// If items are added between two queries, no item appears twice and no item is skipped. A page may have
/// fewer items than the limit, or no items, and still have a next page. Only `next` shows whether the list
/// has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T, C> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// The cursor of the next page of the same query. `None` means that the list has ended.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// Creates a page.
    #[must_use]
    pub const fn new(items: Vec<T>, next: Option<C>) -> Self {
        Self { items, next }
    }

    /// Creates a page of at most `limit` items. Read `limit + 1` items from the database and pass all of them
    /// as `items`. If there are more than `limit`, the page has a next page. The function `place` returns the
    /// cursor of an item.
    #[must_use]
    pub fn cut(mut items: Vec<T>, limit: u32, place: impl FnOnce(&T) -> C) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(place) } else { None };
        Self { items, next }
    }
}

/// A query for keys. The keys are returned newest first, by descending id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyQuery {
    /// The organization whose keys are listed. `None` means all organizations.
    pub org: Option<OrgId>,
    /// The key after which the page begins. The page has only keys that are older. `None` means that the page
    /// begins with the newest key.
    pub after: Option<KeyId>,
    /// The maximum number of items on the page, at least 1.
    pub limit: u32,
}

impl KeyQuery {
    /// Creates a query for the newest `limit` keys of `org`, or of all organizations if `org` is `None`.
    #[must_use]
    pub const fn new(org: Option<OrgId>, limit: u32) -> Self {
        Self { org, after: None, limit }
    }

    /// Sets the key after which the page begins.
    #[must_use]
    pub const fn after(mut self, key: Option<KeyId>) -> Self {
        self.after = key;
        self
    }
}

/// A query for audit events. The events that meet all conditions are returned newest first, by descending id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditQuery {
    /// The organization whose events are read.
    pub org: OrgId,
    /// The key of the events. `None` means all keys and events without a key.
    pub key: Option<KeyId>,
    /// The action of the events. `None` means all actions.
    pub action: Option<Action>,
    /// The time from which events are returned, inclusive. `None` means no such limit.
    pub since: Option<Timestamp>,
    /// The time until which events are returned, exclusive. `None` means no such limit.
    pub until: Option<Timestamp>,
    /// The event after which the page begins. The page has only events that are older. `None` means that the
    /// page begins with the newest event.
    pub after: Option<EventId>,
    /// The maximum number of items on the page, at least 1.
    pub limit: u32,
}

impl AuditQuery {
    /// Creates a query for the latest `limit` events of `org`.
    #[must_use]
    pub const fn new(org: OrgId, limit: u32) -> Self {
        Self { org, key: None, action: None, since: None, until: None, after: None, limit }
    }

    /// Restricts the query to events of `key`.
    #[must_use]
    pub const fn key(mut self, key: KeyId) -> Self {
        self.key = Some(key);
        self
    }

    /// Restricts the query to events with this action.
    #[must_use]
    pub fn action(mut self, action: Action) -> Self {
        self.action = Some(action);
        self
    }

    /// Restricts the query to events at or after `at`.
    #[must_use]
    pub const fn since(mut self, at: Timestamp) -> Self {
        self.since = Some(at);
        self
    }

    /// Restricts the query to events before `at`.
    #[must_use]
    pub const fn until(mut self, at: Timestamp) -> Self {
        self.until = Some(at);
        self
    }

    /// Sets the event after which the page begins.
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
    /// The beginning of the time span. The whole hour or day that contains this time is returned.
    pub since: Timestamp,
    /// The end of the time span. Hours or days that begin at or after this time are not returned.
    pub until: Timestamp,
    /// Whether the usage is returned by hour or by day.
    pub step: UsageStep,
}

impl UsageQuery {
    /// Creates a query for the usage of a key from `since` inclusive to `until` exclusive.
    #[must_use]
    pub const fn new(org: OrgId, key: KeyId, since: Timestamp, until: Timestamp, step: UsageStep) -> Self {
        Self { org, key, since, until, step }
    }
}

/// The unit of time for which a [`UsagePoint`] counts admitted and denied requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UsageStep {
    /// An hour in UTC.
    Hour,
    /// A day in UTC.
    Day,
}

impl UsageStep {
    /// Returns the length of an hour or a day.
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
