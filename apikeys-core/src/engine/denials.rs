use std::time::Duration;

use super::request_start::RequestStart;
use crate::{
    Timestamp,
    audit::{Outcome, RequestMeta, RequestRecord},
    denial::DenialCode,
};

/// The maximum number of denials of one key in a minute that have their own events. Further denials are
/// counted.
const ROWS_PER_MINUTE: u32 = 60;
const MINUTE: Duration = Duration::from_secs(60);

/// The recent denials of one key.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The latest minute in which a denial was noted.
    minute: Option<Timestamp>,
    /// The number of denials in that minute that have their own events.
    rows: u32,
    counted: Vec<Counted>,
    /// True if a flush is going to fetch the counts.
    queued: bool,
}

/// Denials of one code that share an event.
#[derive(Debug)]
struct Counted {
    minute: Timestamp,
    /// The first of the denials, which gives the event its id and its time.
    start: RequestStart,
    record: RequestRecord,
    /// The number of denials that were noted since the last fetch.
    count: u32,
}

/// The way in which a noted denial is recorded.
#[derive(Debug)]
pub(super) enum Noted {
    /// The denial has its own event.
    Row(RequestRecord),
    /// The denial is counted.
    Counted {
        /// True if the tally must be queued, so that a flush fetches the count.
        newly: bool,
    },
}

impl Tally {
    /// Notes a denied request. If the buffer is `full`, the denial is counted in any case.
    ///
    /// Only a later minute resets the number of events. A request that began in an earlier minute counts as a
    /// request of the current minute. Later denials are added to a count that is not fetched yet, so that
    /// there is at most one count for each code while the store is unavailable.
    pub(super) fn note(
        &mut self,
        start: RequestStart,
        code: DenialCode,
        mut record: RequestRecord,
        full: bool,
    ) -> Noted {
        record.outcome = Outcome::Denied;
        record.denial = Some(code);
        let began = start.at.floor_to(MINUTE);
        let minute = self.minute.map_or(began, |minute| minute.max(began));
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
            None => self.counted.push(Counted { minute, start, record, count: 1 }),
        }
        Noted::Counted { newly: !std::mem::replace(&mut self.queued, true) }
    }

    /// Returns the counts since the last fetch. If the event of a count was returned before, the count is
    /// added to that event.
    pub(super) fn fetch(&mut self) -> Vec<(RequestStart, RequestRecord)> {
        self.queued = false;
        let pending = self.counted.iter_mut().filter(|counted| counted.count > 0);
        pending
            .map(|counted| {
                let mut record = counted.record.clone();
                record.count = Some(std::mem::take(&mut counted.count));
                (counted.start, record)
            })
            .collect()
    }

    /// Returns whether the tally may be dropped at `now`, because nothing in it applies any more.
    pub(super) fn is_idle(&self, now: Timestamp) -> bool {
        !self.queued && self.minute.is_none_or(|minute| minute < now.floor_to(MINUTE))
    }
}

/// Creates the record of a denied request. The tally sets the outcome and the code.
pub(super) fn denied(meta: RequestMeta, latency: Duration, status: u16) -> RequestRecord {
    let mut record = RequestRecord::new(meta, Outcome::Denied, latency);
    record.status = Some(status);
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Monotonic, id::Tick};

    fn record() -> RequestRecord {
        denied(RequestMeta::new("GET", "/"), Duration::ZERO, 429)
    }

    fn at(seconds: u8) -> RequestStart {
        RequestStart {
            tick: Tick::new(u64::from(seconds), 0),
            at: Timestamp::from_micros(i64::from(seconds) * 1_000_000),
            monotonic: Monotonic::from_micros(0),
        }
    }

    #[test]
    fn tally_gives_sixty_rows_a_minute_and_one_count_for_each_code() {
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
        let first = tally.fetch();
        assert_eq!(first.iter().map(|(_, record)| record.count).collect::<Vec<_>>(), [Some(70), Some(70)]);
        tally.note(at(30), DenialCode::Expired, record(), false);
        let second = tally.fetch();
        assert_eq!(second.len(), 1);
        assert_eq!(
            (second[0].0.tick, second[0].1.count),
            (first[1].0.tick, Some(1)),
            "the same event goes on"
        );
        assert!(tally.fetch().is_empty());
        assert!(matches!(tally.note(at(60), DenialCode::Expired, record(), false), Noted::Row(_)));
        tally.note(at(60), DenialCode::Expired, record(), true);
        assert_ne!(tally.fetch()[0].0.tick, first[1].0.tick, "another minute has another event");
    }

    #[test]
    fn denials_of_an_earlier_minute_do_not_start_the_rows_anew() {
        let mut tally = Tally::default();
        let mut rows = 0;
        for n in 0..1_000 {
            let start = at(if n % 2 == 0 { 59 } else { 60 });
            rows +=
                u32::from(matches!(tally.note(start, DenialCode::Expired, record(), false), Noted::Row(_)));
            if n % 7 == 0 {
                tally.fetch();
            }
        }
        assert_eq!(rows, 61);
        assert_eq!(tally.counted.len(), 1, "one event has the count");
    }

    #[test]
    fn counts_that_are_not_fetched_share_one_event() {
        let mut tally = Tally::default();
        for minute in 0..4 {
            for _ in 0..100 {
                tally.note(at(minute * 60), DenialCode::RateLimited, record(), true);
            }
        }
        assert_eq!(tally.counted.len(), 1);
        assert_eq!(tally.fetch()[0].1.count, Some(400));
    }
}
