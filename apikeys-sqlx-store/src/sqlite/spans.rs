//! Spans of ids. An id begins with the time at which it was made, and a span contains the ids that were made
//! within about one second.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use apikeys_core::{KeyId, audit::AuditEvent};
use sqlx::SqliteConnection;

use super::statements::BulkStatement;
use crate::{error::Failure, ids::made_at};

/// A span has a length of 2^20 microseconds. Busy keys would write more rows if spans were shorter. Reading the
/// events of a rarely used key would read more events of other keys if spans were longer.
const SPAN_BITS: u32 = 20;

/// A key, and the number of a span in which the key has events.
pub(super) type Span = (KeyId, u64);

/// The latest stored span of each key. A busy key has events of many batches in one span, and only the first
/// batch writes the span.
#[derive(Debug, Default)]
pub(super) struct KnownSpans(Mutex<HashMap<KeyId, u64>>);

impl KnownSpans {
    /// The most keys. If there are more, the map is cleared, and spans are written again.
    const MOST: usize = 200_000;

    /// Writes the spans of `events` that may be missing in the database. Returns these spans.
    pub(super) async fn add(
        &self,
        connection: &mut SqliteConnection,
        events: impl Iterator<Item = &AuditEvent>,
    ) -> Result<BTreeSet<Span>, Failure> {
        let spans = self.new_ones(events);
        if !spans.is_empty() {
            sqlx::query(BulkStatement::AddSpans.sql()).bind(packed(&spans)).execute(connection).await?;
        }
        Ok(spans)
    }

    fn new_ones<'a>(&self, events: impl Iterator<Item = &'a AuditEvent>) -> BTreeSet<Span> {
        let known = self.lock();
        let spans = events.filter_map(|event| Some((event.key?, made_at(event.id) >> SPAN_BITS)));
        spans.filter(|(key, span)| known.get(key) != Some(span)).collect()
    }

    /// Adds spans whose transaction was committed.
    pub(super) fn stored(&self, spans: &BTreeSet<Span>) {
        let mut known = self.lock();
        if known.len() + spans.len() > Self::MOST {
            known.clear();
        }
        known.extend(spans.iter().copied());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KeyId, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn packed(spans: &BTreeSet<Span>) -> Vec<u8> {
    let mut packed = Vec::with_capacity(spans.len() * 39);
    for (key, span) in spans {
        let [_, first @ ..] = (span << SPAN_BITS).to_be_bytes();
        let [_, last @ ..] = (((span + 1) << SPAN_BITS) - 1).to_be_bytes();
        packed.extend_from_slice(key.as_bytes());
        packed.extend_from_slice(&first);
        packed.extend_from_slice(&last);
        packed.extend_from_slice(&[0xff; 9]);
    }
    packed
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use apikeys_core::{OrgId, Timestamp, audit::Action, id::EventId};

    use super::*;
    use crate::ids::SPAN;

    fn event(made: u64, begun: i64) -> AuditEvent {
        let mut bytes = [7; 16];
        bytes[..7].copy_from_slice(&made.to_be_bytes()[1..]);
        let org = OrgId::new("o").unwrap();
        let mut event =
            AuditEvent::new(EventId::from_bytes(bytes), Timestamp::from_micros(begun), org, Action::Request);
        event.key = Some(KeyId::from_bytes([1; 16]));
        event
    }

    #[test]
    fn spans_are_shorter_than_the_time_before_a_filter_that_is_searched() {
        assert!(Duration::from_micros(1 << SPAN_BITS) < SPAN);
    }

    #[test]
    fn packed_span_contains_the_ids_of_its_time() {
        for micros in [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (7 << 20) + 12_345] {
            let packed = packed(&[(KeyId::from_bytes([1; 16]), micros >> SPAN_BITS)].into());
            let id = *event(micros, 0).id.as_bytes();
            assert!(packed[16..23] <= id[..] && packed[23..] >= id[..], "{micros}");
        }
    }

    #[test]
    fn spans_latest_span_of_a_key_is_written_once() {
        let known = KnownSpans::default();
        let (early, late) = (event(1 << 20, 0), event(2 << 20, 0));
        let first = known.new_ones([&early, &late, &early].into_iter());
        assert_eq!(first.len(), 2);
        known.stored(&first);
        assert!(known.new_ones([&late].into_iter()).is_empty());
        assert_eq!(known.new_ones([&early].into_iter()).len(), 1);
    }
}
