use std::collections::{BTreeMap, btree_map::Entry};

use super::state::State;
use crate::{
    audit::{AuditEvent, Detail, RequestRecord},
    id::{EventId, OrgId},
    store::{Batch, Recorded, StoreError, StoreErrorKind, StoreResult},
};

/// Events that are ready to be put on the log.
pub(super) type Merged = BTreeMap<(OrgId, EventId), AuditEvent>;

impl State {
    pub(super) fn record(&mut self, batch: &Batch) -> StoreResult<Recorded> {
        let Some(last) = self.writers.get(&batch.writer).copied() else {
            return Ok(Recorded::UnknownWriter);
        };
        if batch.sequence <= last {
            return Ok(Recorded::AlreadyApplied);
        }
        if batch.sequence - last > 1 {
            return Err(StoreError::new(StoreErrorKind::Rejected, "record"));
        }
        let known = batch.events.iter().filter(|event| self.is_known(event));
        let events = self.merged(known, "record")?;
        self.put_events(events);
        self.count(batch);
        self.writers.insert(batch.writer, batch.sequence);
        Ok(Recorded::Applied)
    }

    /// How `events` will stand on the log: each beside what is there under its id already.
    pub(super) fn merged<'a>(
        &self,
        events: impl IntoIterator<Item = &'a AuditEvent>,
        operation: &'static str,
    ) -> StoreResult<Merged> {
        let mut merged = Merged::new();
        for event in events {
            match merged.entry((event.org.clone(), event.id)) {
                Entry::Occupied(mut there) => add_count(there.get_mut(), event, operation)?,
                Entry::Vacant(place) => match self.audit.get(&event.org).and_then(|log| log.get(&event.id)) {
                    None => {
                        place.insert(event.clone());
                    }
                    Some(there) => add_count(place.insert(there.clone()), event, operation)?,
                },
            }
        }
        Ok(merged)
    }

    pub(super) fn put_events(&mut self, events: Merged) {
        for ((org, id), event) in events {
            self.audit.entry(org).or_default().insert(id, event);
        }
    }

    fn count(&mut self, batch: &Batch) {
        for delta in batch.counters() {
            if let Some(key) = self.keys.get_mut(&delta.key) {
                key.request_count = key.request_count.saturating_add(delta.requests);
                key.last_used_at = key.last_used_at.max(Some(delta.last_used_at));
            }
        }
        for delta in batch.usage() {
            if let Some(key) = self.keys.get_mut(&delta.key) {
                key.usage.entry(delta.hour).or_default().add(delta.requests, delta.denied);
            }
        }
    }

    /// An event of a key that is neither stored nor deleted belongs to an organization that has
    /// been forgotten.
    fn is_known(&self, event: &AuditEvent) -> bool {
        event
            .key
            .is_none_or(|key| self.key(&event.org, key).is_some() || self.deleted(&event.org, key).is_some())
    }
}

/// Two events under one id are one that stands for both, if both say for how many they stand.
fn add_count(there: &mut AuditEvent, event: &AuditEvent, operation: &'static str) -> StoreResult<()> {
    let added = event.request().and_then(|record| record.count);
    match (&mut there.detail, added) {
        (Detail::Request(RequestRecord { count: Some(count), .. }), Some(added)) => {
            *count = count.saturating_add(added);
            Ok(())
        }
        _ => Err(StoreError::new(StoreErrorKind::Rejected, operation)),
    }
}
