//! The times in the ids of events, by which the audit log is read.

use std::time::Duration;

use apikeys_core::{Timestamp, audit::AuditEvent, id::EventId};

/// A value that sorts after every id.
pub(crate) const BEYOND_IDS: &[u8] = &[0xff; 17];

/// An event is late if its id was made before the time of the event, or at least this long after it.
pub(crate) const PROMPT: Duration = Duration::from_secs(10);

/// A time that is longer than the spans in which a database groups ids.
pub(crate) const SPAN: Duration = Duration::from_secs(2);

/// Returns the time at which an id was made, in microseconds since 1970.
pub(crate) fn made_at(id: EventId) -> u64 {
    let [a, b, c, d, e, f, g, ..] = *id.as_bytes();
    u64::from_be_bytes([0, a, b, c, d, e, f, g])
}

/// Returns the first seven bytes of ids made at `at`. They sort before all ids made at `at` or later, and
/// after all ids made earlier.
pub(crate) fn ids_from(at: Timestamp) -> Vec<u8> {
    let micros = u64::try_from(at.as_micros()).unwrap_or(0);
    match micros.to_be_bytes() {
        [0, time @ ..] => time.to_vec(),
        _ => BEYOND_IDS.to_vec(),
    }
}

/// Returns whether the event is late. A filter by time cannot find late events by their ids.
pub(crate) fn is_late(event: &AuditEvent) -> bool {
    let made = i64::try_from(made_at(event.id)).unwrap_or(i64::MAX);
    let begun = event.at.as_micros();
    made < begun || made >= event.at.saturating_add(PROMPT).as_micros()
}

#[cfg(test)]
mod tests {
    use apikeys_core::{OrgId, audit::Action};

    use super::*;

    fn event(made: u64, begun: i64) -> AuditEvent {
        let mut bytes = [7; 16];
        bytes[..7].copy_from_slice(&made.to_be_bytes()[1..]);
        let org = OrgId::new("o").unwrap();
        AuditEvent::new(EventId::from_bytes(bytes), Timestamp::from_micros(begun), org, Action::Request)
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
}
