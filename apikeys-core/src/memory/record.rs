use std::collections::{BTreeMap, btree_map::Entry};

use super::state::State;
use crate::{
    audit::{AuditEvent, Detail, RequestRecord},
    id::{EventId, OrgId},
    store::{Batch, RecordOutcome, StoreError, StoreErrorKind, StoreResult},
};

/// Events in the form that the audit log will contain.
pub(super) type Merged = BTreeMap<(OrgId, EventId), AuditEvent>;

impl State {
    pub(super) fn record(&mut self, batch: &Batch) -> StoreResult<RecordOutcome> {
        let Some(last) = self.writers.get(&batch.writer).copied() else {
            return Ok(RecordOutcome::UnknownWriter);
        };
        if batch.sequence <= last {
            return Ok(RecordOutcome::AlreadyApplied);
        }
        if batch.sequence - last > 1 {
            return Err(StoreError::new(StoreErrorKind::Rejected, "record"));
        }
        let known: Vec<_> = batch.events.iter().filter(|event| self.is_known(event)).cloned().collect();
        let events = self.merged(&known, "record")?;
        self.put_events(events);
        self.count(&Batch::new(batch.writer, batch.sequence, known));
        self.writers.insert(batch.writer, batch.sequence);
        Ok(RecordOutcome::Applied)
    }

    /// Returns `events` in the form that the audit log will contain. If the log already has an event with the
    /// same id, the counts are added up.
    pub(super) fn merged<'a>(
        &self,
        events: impl IntoIterator<Item = &'a AuditEvent>,
        operation: &'static str,
    ) -> StoreResult<Merged> {
        let mut merged = Merged::new();
        for event in events {
            match merged.entry((event.org.clone(), event.id)) {
                Entry::Occupied(mut there) => add_count(there.get_mut(), event, operation)?,
                Entry::Vacant(place) => {
                    match self.organization(&event.org).and_then(|org| org.log.get(&event.id)) {
                        None => {
                            place.insert(event.clone());
                        }
                        Some(there) => add_count(place.insert(there.clone()), event, operation)?,
                    }
                }
            }
        }
        Ok(merged)
    }

    pub(super) fn put_events(&mut self, events: Merged) {
        for ((org, id), event) in events {
            let number = self.number(&org);
            if let Some(stored) = self.orgs.get_mut(&number) {
                stored.log.insert(id, event);
            }
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

    /// Returns whether the organization owns or owned the event's key, or the event has no key. Otherwise the
    /// organization has been forgotten.
    fn is_known(&self, event: &AuditEvent) -> bool {
        event
            .key
            .is_none_or(|key| self.key(&event.org, key).is_some() || self.deleted(&event.org, key).is_some())
    }
}

/// Combines two events with the same id into one, which is possible if both have counts.
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
