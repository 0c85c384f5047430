use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
};

use super::change_log::ChangeLog;
use crate::{
    Timestamp,
    audit::{AuditEntry, AuditEvent, KeyRef},
    id::{EventId, KeyId, OrgId, WriterId},
    key::{KeyRow, KeyView, SecretRow},
    plan::PlanName,
    store::{
        AuditQuery, Found, KeyQuery, OrgRow, Page, StoreError, StoreErrorKind, StoreResult, UsagePoint,
        UsageQuery,
    },
    token::{Locator, Scheme},
};

/// Everything that is stored, and how it is read.
#[derive(Default)]
pub(super) struct State {
    pub(super) orgs: HashMap<OrgId, Organization>,
    pub(super) keys: BTreeMap<KeyId, StoredKey>,
    pub(super) secrets: HashMap<Locator, SecretRow>,
    /// How many secrets there are of each scheme; never zero.
    pub(super) schemes: BTreeMap<Scheme, usize>,
    /// Apart from the organizations: an event may outlive its organization.
    pub(super) audit: HashMap<OrgId, BTreeMap<EventId, AuditEvent>>,
    /// The last batch of each writer.
    pub(super) writers: HashMap<WriterId, u64>,
    pub(super) changes: ChangeLog,
}

/// An organization that is stored.
pub(super) struct Organization {
    pub(super) plan: PlanName,
    /// Their number is what the quota limits.
    pub(super) keys: BTreeSet<KeyId>,
    /// What deletions left for the audit log.
    pub(super) deleted: HashMap<KeyId, KeyRef>,
}

/// A key with all that goes when it goes.
pub(super) struct StoredKey {
    pub(super) row: KeyRow,
    pub(super) locators: Vec<Locator>,
    pub(super) request_count: u64,
    pub(super) last_used_at: Option<Timestamp>,
    /// By the start of the hour.
    pub(super) usage: BTreeMap<Timestamp, Usage>,
}

#[derive(Default, Clone, Copy)]
pub(super) struct Usage {
    pub(super) requests: u64,
    pub(super) denied: u64,
}

impl Organization {
    pub(super) fn new(plan: PlanName) -> Self {
        Self { plan, keys: BTreeSet::new(), deleted: HashMap::new() }
    }

    pub(super) fn key_count(&self) -> u32 {
        u32::try_from(self.keys.len()).unwrap_or(u32::MAX)
    }
}

impl StoredKey {
    pub(super) fn new(row: KeyRow) -> Self {
        Self { row, locators: Vec::new(), request_count: 0, last_used_at: None, usage: BTreeMap::new() }
    }

    fn view(&self, plan: &PlanName) -> KeyView {
        KeyView::new(self.row.clone(), plan.clone(), self.request_count, self.last_used_at)
    }

    pub(super) fn as_ref(&self) -> KeyRef {
        KeyRef::new(self.row.id, self.row.name.clone(), self.row.display_prefix.clone())
    }
}

impl Usage {
    pub(super) fn add(&mut self, requests: u64, denied: u64) {
        self.requests = self.requests.saturating_add(requests);
        self.denied = self.denied.saturating_add(denied);
    }
}

impl State {
    pub(super) fn find(&self, locators: &[Locator]) -> StoreResult<Option<Found>> {
        let Some(secret) = locators.iter().find_map(|locator| self.secrets.get(locator)) else {
            return Ok(None);
        };
        let found = self.keys.get(&secret.key).and_then(|key| {
            let org = self.orgs.get(&key.row.org)?;
            Some(Found::new(secret.clone(), key.row.clone(), org.plan.clone(), self.changes.revision()))
        });
        found.map(Some).ok_or_else(|| StoreError::new(StoreErrorKind::Corrupt, "find"))
    }

    pub(super) fn org(&self, org: &OrgId) -> Option<OrgRow> {
        let stored = self.orgs.get(org)?;
        Some(OrgRow::new(org.clone(), stored.plan.clone(), stored.key_count()))
    }

    /// A key, if it is that organization's.
    pub(super) fn key(&self, org: &OrgId, key: KeyId) -> Option<&StoredKey> {
        self.keys.get(&key).filter(|stored| stored.row.org == *org)
    }

    /// A key with its organization's plan. The organization of a stored key is stored as well.
    pub(super) fn view(&self, key: &StoredKey) -> Option<KeyView> {
        Some(key.view(&self.orgs.get(&key.row.org)?.plan))
    }

    pub(super) fn keys(&self, query: &KeyQuery) -> Page<KeyView, KeyId> {
        let older = older_than(query.after);
        let most = one_more(query.limit);
        let views: Vec<_> = match &query.org {
            None => self.keys.range(older).rev().filter_map(|(_, key)| self.view(key)).take(most).collect(),
            Some(org) => {
                let ids = self.orgs.get(org).map(|stored| stored.keys.range(older).rev());
                let keys = ids.into_iter().flatten().filter_map(|id| self.keys.get(id));
                keys.filter_map(|key| self.view(key)).take(most).collect()
            }
        };
        Page::cut(views, query.limit, |view| view.row.id)
    }

    pub(super) fn audit(&self, query: &AuditQuery) -> Page<AuditEntry, EventId> {
        let log = self.audit.get(&query.org);
        let events = log.into_iter().flat_map(|log| log.range(older_than(query.after)).rev());
        let wanted = events.map(|(_, event)| event).filter(|event| {
            query.key.is_none_or(|key| event.key == Some(key))
                && query.action.as_ref().is_none_or(|action| event.action == *action)
                && query.since.is_none_or(|since| event.at >= since)
                && query.until.is_none_or(|until| event.at < until)
        });
        let entries = wanted.take(one_more(query.limit)).map(|event| self.entry(event)).collect();
        Page::cut(entries, query.limit, |entry: &AuditEntry| entry.event.id)
    }

    pub(super) fn usage(&self, query: &UsageQuery) -> Vec<UsagePoint> {
        let step = query.step.duration();
        let since = query.since.floor_to(step);
        let hours = self.key(&query.org, query.key).map(|key| key.usage.range(since..));
        let hours = hours.into_iter().flatten().take_while(|(hour, _)| **hour < query.until);
        let mut points: Vec<UsagePoint> = Vec::new();
        for (hour, usage) in hours {
            let at = hour.floor_to(step);
            match points.last_mut() {
                Some(point) if point.at == at => {
                    point.requests = point.requests.saturating_add(usage.requests);
                    point.denied = point.denied.saturating_add(usage.denied);
                }
                _ => points.push(UsagePoint::new(at, usage.requests, usage.denied)),
            }
        }
        points
    }

    /// How many events there are, over all organizations.
    pub(super) fn events(&self) -> usize {
        self.audit.values().map(BTreeMap::len).sum()
    }

    /// What a deletion left of a key.
    pub(super) fn deleted(&self, org: &OrgId, key: KeyId) -> Option<&KeyRef> {
        self.orgs.get(org)?.deleted.get(&key)
    }

    fn entry(&self, event: &AuditEvent) -> AuditEntry {
        let key = event.key.and_then(|key| match self.key(&event.org, key) {
            Some(stored) => Some(stored.as_ref()),
            None => self.deleted(&event.org, key).cloned(),
        });
        AuditEntry::new(event.clone(), key)
    }
}

fn older_than<T>(after: Option<T>) -> (Bound<T>, Bound<T>) {
    (Bound::Unbounded, after.map_or(Bound::Unbounded, Bound::Excluded))
}

/// One beyond the limit tells whether there is more.
fn one_more(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1)
}
