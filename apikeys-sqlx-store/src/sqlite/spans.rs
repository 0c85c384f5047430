//! Spans of ids. An id begins with the time at which it was made, and a span contains the ids that were made
//! within about one second.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use apikeys_core::{KeyId, Timestamp, audit::AuditEvent, id::EventId};
use sqlx::SqliteConnection;

use super::statements::WriteStatement;
use crate::error::Failure;

/// A value that sorts after every id.
pub(super) const BEYOND_IDS: &[u8] = &[0xff; 17];

/// An event is late if its id was made before the time of the event, or at least this long after it.
pub(super) const PROMPT: Duration = Duration::from_secs(10);

/// A span has a length of 2^20 microseconds. Busy keys would write more rows if spans were shorter. Reading the
/// events of a rarely used key would read more events of other keys if spans were longer.
const SPAN_BITS: u32 = 20;

/// Returns the time at which an id was made, in microseconds since 1970.
fn made_at(id: EventId) -> u64 {
    let [a, b, c, d, e, f, g, ..] = *id.as_bytes();
    u64::from_be_bytes([0, a, b, c, d, e, f, g])
}

/// Returns the first seven bytes of ids made at `at`. They sort before all ids made at `at` or later, and
/// after all ids made earlier.
pub(super) fn ids_from(at: Timestamp) -> Vec<u8> {
    let micros = u64::try_from(at.as_micros()).unwrap_or(0);
    match micros.to_be_bytes() {
        [0, time @ ..] => time.to_vec(),
        _ => BEYOND_IDS.to_vec(),
    }
}

/// Returns the first seven bytes of the ids in the span that contains ids made at `at`.
pub(super) fn spans_from(at: Timestamp) -> Vec<u8> {
    let micros = u64::try_from(at.as_micros()).unwrap_or(0);
    let first = i64::try_from((micros >> SPAN_BITS) << SPAN_BITS).unwrap_or(i64::MAX);
    ids_from(Timestamp::from_micros(first))
}

/// Returns whether the event is late. A filter by time cannot find late events by their ids.
pub(super) fn is_late(event: &AuditEvent) -> bool {
    let made = i64::try_from(made_at(event.id)).unwrap_or(i64::MAX);
    let begun = event.at.as_micros();
    made < begun || made >= event.at.saturating_add(PROMPT).as_micros()
}

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
            WriteStatement::AddSpans.query().bind(packed(&spans)).execute(connection).await?;
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
    use apikeys_core::{OrgId, audit::Action};

    use super::*;

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
    fn is_late_id_made_within_ten_seconds_is_false() {
        assert!(!is_late(&event(5_000_000, 5_000_000)));
        assert!(!is_late(&event(14_999_999, 5_000_000)));
        assert!(is_late(&event(15_000_000, 5_000_000)));
        assert!(is_late(&event(4_999_999, 5_000_000)));
        assert!(is_late(&event(u64::MAX >> 8, i64::MIN)));
    }

    #[test]
    fn ids_from_sorts_between_earlier_and_later_ids() {
        let at = Timestamp::from_micros(5_000_000);
        let bound = ids_from(at);
        assert!(event(5_000_000, 0).id.as_bytes().as_slice() > bound.as_slice());
        assert!(event(4_999_999, 0).id.as_bytes().as_slice() < bound.as_slice());
        assert_eq!(ids_from(Timestamp::MIN), [0; 7]);
        assert_eq!(ids_from(Timestamp::MAX), BEYOND_IDS);
    }

    #[test]
    fn spans_from_returns_the_span_that_contains_ids_of_the_time() {
        for micros in [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (7 << 20) + 12_345] {
            let span = [(KeyId::from_bytes([1; 16]), micros >> SPAN_BITS)];
            let packed = packed(&span.into());
            let at = Timestamp::from_micros(micros.try_into().unwrap());
            assert_eq!(spans_from(at), packed[16..23], "{micros}");
            assert!(packed[23..] >= *ids_from(at), "{micros}");
        }
        assert_eq!(spans_from(Timestamp::MIN), [0; 7]);
        assert_eq!(spans_from(Timestamp::MAX), BEYOND_IDS);
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
