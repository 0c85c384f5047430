use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    ops::Bound,
};

use super::{change_log::ChangeLog, coherence::Instance};
use crate::{
    Timestamp,
    audit::{AuditEntry, AuditEvent, KeyRef},
    id::{ClaimId, EventId, InstanceId, KeyId, OrgId, WriterId},
    plan::PlanName,
    store::{
        AuditQuery, FoundKey, KeyQuery, KeyRow, KeyView, OrgNumber, OrgRow, OrgState, Page, SecretRow,
        SentWarning, StoreError, StoreErrorKind, StoreResult, UsagePoint, UsageQuery,
    },
    token::{Locator, Scheme},
};

/// All data of the store, and the methods that read it.
#[derive(Default)]
pub(super) struct State {
    /// The current number of each organization, under which the organization's data is stored.
    pub(super) numbers: HashMap<OrgId, OrgNumber>,
    pub(super) orgs: HashMap<OrgNumber, Organization>,
    /// The highest number so far.
    pub(super) last_number: OrgNumber,
    /// Forgotten organizations whose data is not purged yet, oldest first.
    pub(super) forgotten: VecDeque<Organization>,
    pub(super) keys: BTreeMap<KeyId, StoredKey>,
    /// The remains of deleted keys, for the audit log.
    pub(super) deleted: HashMap<KeyId, DeletedKey>,
    pub(super) secrets: HashMap<Locator, SecretRow>,
    /// The number of secrets of each scheme, without schemes that have no secrets.
    pub(super) schemes: BTreeMap<Scheme, usize>,
    /// The number of the last batch of each writer.
    pub(super) writers: HashMap<WriterId, u64>,
    pub(super) changes: ChangeLog,
    /// The registered instances.
    pub(super) instances: HashMap<InstanceId, Instance>,
    /// The next check of each key that has one, for warnings before keys expire.
    pub(super) checks: BTreeSet<(Timestamp, KeyId)>,
}

/// An organization's own data, and the ids of its other data.
#[derive(Default)]
pub(super) struct Organization {
    /// `None` means that the organization is not stored, but has events in the audit log.
    pub(super) plan: Option<PlanName>,
    /// The stored keys, whose number is limited by the quota.
    pub(super) keys: BTreeSet<KeyId>,
    pub(super) deleted: BTreeSet<KeyId>,
    pub(super) log: BTreeMap<EventId, AuditEvent>,
}

/// A key with everything that is deleted with it.
pub(super) struct StoredKey {
    pub(super) org: OrgNumber,
    pub(super) row: KeyRow,
    pub(super) locators: Vec<Locator>,
    pub(super) request_count: u64,
    pub(super) last_used_at: Option<Timestamp>,
    /// The key's usage, by the start of the hour.
    pub(super) usage: BTreeMap<Timestamp, Usage>,
    pub(super) checked: Checked,
}

/// What a store remembers about the warnings of a key.
pub(super) struct Checked {
    /// The next check, which is also in [`State::checks`].
    pub(super) next: Option<Timestamp>,
    pub(super) claim: Option<ClaimId>,
    pub(super) sent: Option<SentWarning>,
}

/// The data of a deleted key that remains for the audit log.
pub(super) struct DeletedKey {
    pub(super) org: OrgNumber,
    pub(super) key: KeyRef,
}

#[derive(Default, Clone, Copy)]
pub(super) struct Usage {
    pub(super) requests: u64,
    pub(super) denied: u64,
}

impl Organization {
    pub(super) fn key_count(&self) -> u32 {
        u32::try_from(self.keys.len()).unwrap_or(u32::MAX)
    }
}

impl StoredKey {
    pub(super) fn new(org: OrgNumber, row: KeyRow) -> Self {
        let (usage, checked) = (BTreeMap::new(), Checked::NEW);
        Self { org, row, locators: Vec::new(), request_count: 0, last_used_at: None, usage, checked }
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
    pub(super) fn find(&self, locators: &[Locator]) -> StoreResult<Option<FoundKey>> {
        let corrupt = || StoreError::new(StoreErrorKind::Corrupt, "find");
        for secret in locators.iter().filter_map(|locator| self.secrets.get(locator)) {
            let key = self.keys.get(&secret.key).ok_or_else(corrupt)?;
            // The key of a forgotten organization is unknown.
            let Some(org) = self.orgs.get(&key.org) else { continue };
            let plan = org.plan.clone().ok_or_else(corrupt)?;
            return Ok(Some(FoundKey::new(secret.clone(), key.row.clone(), plan, self.changes.revision())));
        }
        Ok(None)
    }

    pub(super) fn org(&self, org: &OrgId) -> Option<OrgRow> {
        let number = *self.numbers.get(org)?;
        let stored = self.orgs.get(&number)?;
        Some(OrgRow::new(org.clone(), number, stored.plan.clone()?, stored.key_count()))
    }

    /// Returns the values that the rules about plans and quotas depend on.
    pub(super) fn org_state(&self, org: &OrgId) -> OrgState {
        self.org(org).map_or_else(OrgState::default, |row| OrgState {
            stored: Some(row.stored_plan()),
            key_count: row.key_count,
        })
    }

    pub(super) fn organization(&self, org: &OrgId) -> Option<&Organization> {
        self.orgs.get(self.numbers.get(org)?)
    }

    /// Returns the number of an organization. If the organization has none, assigns one.
    pub(super) fn number(&mut self, org: &OrgId) -> OrgNumber {
        if let Some(number) = self.numbers.get(org) {
            return *number;
        }
        self.last_number.0 += 1;
        self.numbers.insert(org.clone(), self.last_number);
        self.orgs.insert(self.last_number, Organization::default());
        self.last_number
    }

    /// Returns a key if the organization owns the key.
    pub(super) fn key(&self, org: &OrgId, key: KeyId) -> Option<&StoredKey> {
        let number = self.numbers.get(org)?;
        self.keys.get(&key).filter(|stored| stored.org == *number)
    }

    /// Returns a key with its organization's plan, or `None` if the organization has been forgotten.
    pub(super) fn view(&self, key: &StoredKey) -> Option<KeyView> {
        Some(key.view(self.orgs.get(&key.org)?.plan.as_ref()?))
    }

    pub(super) fn keys(&self, query: &KeyQuery) -> Page<KeyView, KeyId> {
        let older = older_than(query.after);
        let most = one_more(query.limit);
        let views: Vec<_> = match &query.org {
            None => self.keys.range(older).rev().filter_map(|(_, key)| self.view(key)).take(most).collect(),
            Some(org) => {
                let ids = self.organization(org).map(|stored| stored.keys.range(older).rev());
                let keys = ids.into_iter().flatten().filter_map(|id| self.keys.get(id));
                keys.filter_map(|key| self.view(key)).take(most).collect()
            }
        };
        Page::cut(views, query.limit, |view| view.row.id)
    }

    pub(super) fn audit(&self, query: &AuditQuery) -> Page<AuditEntry, EventId> {
        let org = self.organization(&query.org);
        let events = org.into_iter().flat_map(|org| org.log.range(older_than(query.after)).rev());
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

    /// Returns the number of events of all organizations.
    pub(super) fn events(&self) -> usize {
        self.orgs.values().map(|org| org.log.len()).sum()
    }

    /// Returns the data of a key that remained after its deletion, if the organization owned the key.
    pub(super) fn deleted(&self, org: &OrgId, key: KeyId) -> Option<&KeyRef> {
        let number = self.numbers.get(org)?;
        self.deleted.get(&key).filter(|deleted| deleted.org == *number).map(|deleted| &deleted.key)
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

/// Returns one more than the limit, because the additional item shows that there is a next page.
fn one_more(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1)
}
