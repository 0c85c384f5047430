use std::time::Duration;

use crate::{
    Timestamp,
    audit::{Outcome, RequestMeta, RequestRecord},
    denial::DenialCode,
    id::EventId,
};

/// Denials of one key that get a row of their own in a minute; the rest are counted.
const ROWS_PER_MINUTE: u32 = 60;
const MINUTE: Duration = Duration::from_secs(60);

/// The denials of one key: how many rows it had this minute, and what is counted instead.
#[derive(Debug, Default)]
pub(super) struct Tally {
    minute: Option<Timestamp>,
    rows: u32,
    counted: Vec<Counted>,
    queued: bool,
}

/// Denials of one kind that share an event.
#[derive(Debug)]
struct Counted {
    minute: Timestamp,
    at: Timestamp,
    /// The event's id, once part of it was handed over.
    id: Option<EventId>,
    record: RequestRecord,
    /// Not handed over yet.
    count: u32,
}

/// What to do with a denial.
#[derive(Debug)]
pub(super) enum Noted {
    /// It gets a row of its own.
    Row(RequestRecord),
    /// It is counted.
    Counted {
        /// Whether somebody must come and fetch the count.
        newly: bool,
    },
}

impl Tally {
    /// Notes a denial at `at`. With the buffer `full` it is counted, whatever the minute saw.
    ///
    /// Counts that nobody has fetched go on in the event they began, so that a store that is away
    /// for long does not make them pile up: one for each code at most.
    pub(super) fn note(
        &mut self,
        at: Timestamp,
        code: DenialCode,
        mut record: RequestRecord,
        full: bool,
    ) -> Noted {
        record.outcome = Outcome::Denied;
        record.denial = Some(code);
        let minute = at.floor_to(MINUTE);
        if self.minute != Some(minute) {
            self.minute = Some(minute);
            self.rows = 0;
            self.counted.retain(|counted| counted.count > 0);
        }
        if !full && self.rows < ROWS_PER_MINUTE {
            self.rows += 1;
            return Noted::Row(record);
        }
        let same = |counted: &&mut Counted| {
            counted.record.denial == record.denial && (counted.count > 0 || counted.minute == minute)
        };
        match self.counted.iter_mut().find(same) {
            Some(counted) => counted.count = counted.count.saturating_add(1),
            None => self.counted.push(Counted { minute, at, id: None, record, count: 1 }),
        }
        Noted::Counted { newly: !std::mem::replace(&mut self.queued, true) }
    }

    /// Hands over what was counted: events that add to those of the same id handed over before.
    pub(super) fn fetch(
        &mut self,
        mut make_id: impl FnMut(Timestamp) -> EventId,
    ) -> Vec<(EventId, Timestamp, RequestRecord)> {
        self.queued = false;
        let pending = self.counted.iter_mut().filter(|counted| counted.count > 0);
        pending
            .map(|counted| {
                let id = *counted.id.get_or_insert_with(|| make_id(counted.at));
                let mut record = counted.record.clone();
                record.count = Some(std::mem::take(&mut counted.count));
                (id, counted.at, record)
            })
            .collect()
    }

    /// Whether a minute after `now`'s would find nothing here worth keeping.
    pub(super) fn is_idle(&self, now: Timestamp) -> bool {
        !self.queued && self.minute != Some(now.floor_to(MINUTE))
    }
}

/// A record of a denied request; outcome and code are filled in by the tally.
pub(super) fn denied(meta: RequestMeta, latency: Duration, status: u16) -> RequestRecord {
    let mut record = RequestRecord::new(meta, Outcome::Denied, latency);
    record.status = Some(status);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> RequestRecord {
        denied(RequestMeta::new("GET", "/"), Duration::ZERO, 429)
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn sixty_rows_a_minute_and_one_event_with_a_count_for_each_code() {
        let mut tally = Tally::default();
        let (mut rows, mut newly) = (0, 0);
        for n in 0..200 {
            let code = if n % 2 == 0 { DenialCode::RateLimited } else { DenialCode::Expired };
            match tally.note(at(n / 10), code, record(), false) {
                Noted::Row(_) => rows += 1,
                Noted::Counted { newly: first } => newly += u32::from(first),
            }
        }
        assert_eq!((rows, newly), (60, 1));
        let mut next = 0;
        let mut id = |_| {
            next += 1;
            EventId::from_bytes([next; 16])
        };
        let first = tally.fetch(&mut id);
        assert_eq!(first.iter().map(|(_, _, record)| record.count).collect::<Vec<_>>(), [Some(70), Some(70)]);
        tally.note(at(30), DenialCode::Expired, record(), false);
        let second = tally.fetch(&mut id);
        assert_eq!(second.len(), 1);
        assert_eq!((second[0].0, second[0].2.count), (first[1].0, Some(1)), "the same event goes on");
        assert!(tally.fetch(&mut id).is_empty());
        assert!(matches!(tally.note(at(60), DenialCode::Expired, record(), false), Noted::Row(_)));
        tally.note(at(60), DenialCode::Expired, record(), true);
        assert_ne!(tally.fetch(&mut id)[0].0, first[1].0, "another minute has another event");
    }

    #[test]
    fn counts_that_nobody_fetches_do_not_pile_up() {
        let mut tally = Tally::default();
        for minute in 0..1_000 {
            for _ in 0..100 {
                tally.note(at(minute * 60), DenialCode::RateLimited, record(), true);
            }
        }
        assert_eq!(tally.counted.len(), 1);
        assert_eq!(tally.fetch(|_| EventId::from_bytes([0; 16]))[0].2.count, Some(100_000));
    }
}
