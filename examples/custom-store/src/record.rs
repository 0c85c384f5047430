use std::collections::{BTreeMap, btree_map::Entry};

use apikeys_core::{
    audit::{AuditEvent, Detail, RequestRecord},
    id::{EventId, OrgId},
    store::{Batch, RecordOutcome, StoreError, StoreErrorKind, StoreResult},
};

use crate::data::Data;

impl Data {
    /// Records a batch. All checks precede all writes, so that a batch that is rejected writes nothing.
    pub(crate) fn record(&mut self, batch: &Batch) -> StoreResult<RecordOutcome> {
        let Some(last) = self.writers.get(&batch.writer).copied() else {
            return Ok(RecordOutcome::UnknownWriter);
        };
        // The engine repeats a batch whose response was lost.
        if batch.sequence <= last {
            return Ok(RecordOutcome::AlreadyApplied);
        }
        if batch.sequence != last + 1 {
            return Err(StoreError::new(StoreErrorKind::Rejected, "record"));
        }
        // The organization of an unknown key was forgotten.
        let known: Vec<_> = batch.events.iter().filter(|event| self.is_known(event)).cloned().collect();
        let events = self.merged(&known, "record")?;
        self.log.extend(events);
        self.count(&Batch::new(batch.writer, batch.sequence, known));
        self.writers.insert(batch.writer, batch.sequence);
        Ok(RecordOutcome::Applied)
    }

    /// Returns the events as the log will contain them. If an event with the same id is there already, their counts are
    /// added up.
    pub(crate) fn merged(
        &self,
        events: &[AuditEvent],
        operation: &'static str,
    ) -> StoreResult<BTreeMap<(OrgId, EventId), AuditEvent>> {
        let mut merged = BTreeMap::new();
        for event in events {
            let place = (event.org.clone(), event.id);
            let logged = self.log.get(&place).cloned();
            match (merged.entry(place), logged) {
                (Entry::Occupied(mut there), _) => add_count(there.get_mut(), event, operation)?,
                (Entry::Vacant(new), Some(logged)) => add_count(new.insert(logged), event, operation)?,
                (Entry::Vacant(new), None) => {
                    new.insert(event.clone());
                }
            }
        }
        Ok(merged)
    }

    fn is_known(&self, event: &AuditEvent) -> bool {
        event.key.is_none_or(|key| {
            let was_deleted = || self.deleted.get(&key).is_some_and(|(org, _)| *org == event.org);
            self.key(&event.org, key).is_some() || was_deleted()
        })
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
                let (requests, denied) = key.usage.entry(delta.hour).or_default();
                *requests = requests.saturating_add(delta.requests);
                *denied = denied.saturating_add(delta.denied);
            }
        }
    }
}

/// Adds the count of an event to the event in the log. An event without a count cannot be stored twice.
fn add_count(logged: &mut AuditEvent, event: &AuditEvent, operation: &'static str) -> StoreResult<()> {
    let added = event.request().and_then(|record| record.count);
    match (&mut logged.detail, added) {
        (Detail::Request(RequestRecord { count: Some(count), .. }), Some(added)) => {
            *count = count.saturating_add(added);
            Ok(())
        }
        _ => Err(StoreError::new(StoreErrorKind::Rejected, operation)),
    }
}
