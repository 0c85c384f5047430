use std::time::Instant;

use apikeys_tests::Seen;

use crate::fleet::LEASE;

/// A period in which an instance could not reach the database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outage {
    /// The latest time at which the instance could certainly reach the database.
    pub(crate) before: Instant,
    /// The time from which the instance could certainly not reach the database.
    pub(crate) began: Instant,
    /// The time until which the instance could certainly not reach the database.
    pub(crate) ended: Instant,
}

impl Outage {
    /// Checks the responses of an instance to requests with a key that was valid all the time. Returns the number of
    /// requests that were admitted without the database.
    pub(crate) fn assert_key_worked_until_the_lease_ended(self, seen: &[Seen]) -> usize {
        // The instance has sent its last poll at most a quarter of the lease before the outage, so the lease then
        // lasts for more than half of its length.
        let [mut early, mut after] = [0; 2];
        for seen in seen {
            let (answered, status) = seen.answer.expect("the instance answers all requests");
            assert!([200, 503].contains(&status), "{status}");
            if seen.sent >= self.before && seen.sent < self.before + LEASE / 2 {
                assert_eq!(status, 200, "{:?} after the beginning of the outage", seen.sent - self.before);
                early += usize::from(seen.sent >= self.began);
            }
            if seen.sent >= self.began + LEASE && answered < self.ended {
                assert_eq!(status, 503, "{:?} after the beginning of the outage", seen.sent - self.began);
            }
            after += usize::from(seen.sent >= self.ended && status == 200);
        }
        assert!(early > 0, "no request in the outage while the lease lasted");
        assert!(after > 0, "no request was admitted after the outage");
        early
    }

    /// Checks the responses of an instance to requests with a key that was deleted at `deleted`, during the outage.
    /// Returns the number of requests that began afterwards.
    pub(crate) fn assert_key_did_not_work_after_its_deletion(self, seen: &[Seen], deleted: Instant) -> usize {
        assert!(
            seen.iter().any(|seen| seen.sent >= self.began && status(seen) == 200),
            "the key was in memory"
        );
        let late: Vec<_> = seen.iter().filter(|seen| seen.sent >= deleted).collect();
        assert!(late.iter().all(|seen| [401, 503].contains(&status(seen))), "{late:?}");
        assert!(
            late.iter().any(|seen| seen.sent < self.ended),
            "no request after the deletion in the outage"
        );
        assert!(late.iter().any(|seen| status(seen) == 401), "no request after the outage");
        late.len()
    }
}

fn status(seen: &Seen) -> u16 {
    seen.answer.expect("the instance answers all requests").1
}
