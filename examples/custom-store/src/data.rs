use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    ops::Bound::{Excluded, Included, Unbounded},
};

use apikeys_core::{
    Timestamp,
    audit::{AuditEntry, AuditEvent, KeyRef},
    id::{ChangeId, EventId, KeyId, OrgId, WriterId},
    store::{
        AuditQuery, FoundKey, KeyQuery, KeyRow, KeyView, OrgRow, Page, Revision, SecretRow, UsagePoint,
        UsageQuery,
    },
    token::{Locator, Scheme},
};

/// The tables of the store.
#[derive(Debug, Default)]
pub(crate) struct Data {
    /// The stored organizations, with the number of their keys.
    pub(crate) orgs: HashMap<OrgId, OrgRow>,
    /// The last number that was given to an organization. A number is never given twice.
    pub(crate) last_number: u64,
    pub(crate) keys: BTreeMap<KeyId, StoredKey>,
    /// What the audit log shows of deleted keys, with their organizations.
    pub(crate) deleted: HashMap<KeyId, (OrgId, KeyRef)>,
    pub(crate) secrets: HashMap<Locator, SecretRow>,
    /// The number of secrets of each scheme, without schemes that have no secrets.
    pub(crate) schemes: BTreeMap<Scheme, usize>,
    pub(crate) log: BTreeMap<(OrgId, EventId), AuditEvent>,
    /// The number of the last batch of each writer.
    pub(crate) writers: HashMap<WriterId, u64>,
    /// The number of the last change.
    pub(crate) revision: Revision,
    /// The revisions of the last changes, by which a repeated change is recognized.
    pub(crate) done: HashMap<ChangeId, Revision>,
    /// The ids in `done`, oldest first.
    pub(crate) done_order: VecDeque<ChangeId>,
}

/// A key with its counters.
#[derive(Debug)]
pub(crate) struct StoredKey {
    pub(crate) row: KeyRow,
    pub(crate) request_count: u64,
    pub(crate) last_used_at: Option<Timestamp>,
    /// The numbers of admitted and denied requests, by the start of the hour.
    pub(crate) usage: BTreeMap<Timestamp, (u64, u64)>,
}

impl Data {
    pub(crate) fn find(&self, locators: &[Locator]) -> Option<FoundKey> {
        let secret = locators.iter().find_map(|locator| self.secrets.get(locator))?;
        let row = &self.keys.get(&secret.key)?.row;
        let plan = self.orgs.get(&row.org)?.plan.clone();
        Some(FoundKey::new(secret.clone(), row.clone(), plan, self.revision))
    }

    /// Returns a key if the organization owns it.
    pub(crate) fn key(&self, org: &OrgId, key: KeyId) -> Option<&StoredKey> {
        self.keys.get(&key).filter(|stored| stored.row.org == *org)
    }

    pub(crate) fn view(&self, key: &StoredKey) -> Option<KeyView> {
        let plan = self.orgs.get(&key.row.org)?.plan.clone();
        Some(KeyView::new(key.row.clone(), plan, key.request_count, key.last_used_at))
    }

    pub(crate) fn keys(&self, query: &KeyQuery) -> Page<KeyView, KeyId> {
        let older = self.keys.range((Unbounded, query.after.map_or(Unbounded, Excluded)));
        let wanted = older.rev().map(|(_, key)| key).filter(|key| {
            // A store with many organizations has an index on the organization and the id.
            query.org.as_ref().is_none_or(|org| key.row.org == *org)
        });
        let views = wanted.filter_map(|key| self.view(key)).take(one_more(query.limit)).collect();
        Page::cut(views, query.limit, |view: &KeyView| view.row.id)
    }

    pub(crate) fn audit(&self, query: &AuditQuery) -> Page<AuditEntry, EventId> {
        let oldest = Included((query.org.clone(), EventId::from_bytes([0; 16])));
        let newest = match query.after {
            Some(after) => Excluded((query.org.clone(), after)),
            None => Included((query.org.clone(), EventId::from_bytes([u8::MAX; 16]))),
        };
        let events = self.log.range((oldest, newest)).rev().map(|(_, event)| event);
        let wanted = events.filter(|event| {
            query.key.is_none_or(|key| event.key == Some(key))
                && query.action.as_ref().is_none_or(|action| event.action == *action)
                && query.since.is_none_or(|since| since <= event.at)
                && query.until.is_none_or(|until| event.at < until)
        });
        let entries = wanted.take(one_more(query.limit)).map(|event| self.entry(event)).collect();
        Page::cut(entries, query.limit, |entry: &AuditEntry| entry.event.id)
    }

    /// Adds the name that the event's key has now, or had when it was deleted.
    fn entry(&self, event: &AuditEvent) -> AuditEntry {
        let key = event.key.and_then(|id| match self.key(&event.org, id) {
            Some(key) => Some(key_ref(&key.row)),
            None => self.deleted.get(&id).filter(|(org, _)| *org == event.org).map(|(_, key)| key.clone()),
        });
        AuditEntry::new(event.clone(), key)
    }

    pub(crate) fn usage(&self, query: &UsageQuery) -> Vec<UsagePoint> {
        let step = query.step.duration();
        let mut points = BTreeMap::new();
        if let Some(key) = self.key(&query.org, query.key) {
            let hours = key.usage.range(query.since.floor_to(step)..);
            for (hour, (requests, denied)) in hours.take_while(|(hour, _)| **hour < query.until) {
                let at = hour.floor_to(step);
                let point = points.entry(at).or_insert_with(|| UsagePoint::new(at, 0, 0));
                point.requests = point.requests.saturating_add(*requests);
                point.denied = point.denied.saturating_add(*denied);
            }
        }
        points.into_values().collect()
    }
}

pub(crate) fn key_ref(row: &KeyRow) -> KeyRef {
    KeyRef::new(row.id, row.name.clone(), row.display_prefix.clone())
}

/// Returns one more than the limit, because the additional item shows that there is a next page.
fn one_more(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1)
}
