use std::collections::VecDeque;

/// The length of the window in microseconds.
pub(crate) const MINUTE: u64 = 60_000_000;

/// The decision about a request, with the limit that was applied and the time in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decision {
    /// The position in the order of decisions.
    pub(crate) turn: u64,
    pub(crate) at: u64,
    pub(crate) limit: u32,
    pub(crate) admitted: bool,
}

/// A decision, with the positions in the order of events at which its request began and ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    pub(crate) began: u64,
    pub(crate) ended: u64,
    /// The times of the clock when the request began and when it ended, in microseconds.
    pub(crate) read: u64,
    pub(crate) returned: u64,
    pub(crate) decision: Decision,
}

/// A new limit, with the positions in the order of events at which the update was called and returned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edit {
    pub(crate) called: u64,
    pub(crate) returned: u64,
    pub(crate) limit: u32,
}

/// All requests and edits of one key. No two edits overlap.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) first_limit: u32,
    pub(crate) edits: Vec<Edit>,
    pub(crate) requests: Vec<Request>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) admitted: usize,
    pub(crate) limited: usize,
    /// The number of requests during which more than one limit may have applied.
    pub(crate) edits_in_flight: usize,
}

impl Log {
    /// Compares every decision with the decision of a list of admission times. Panics if they differ.
    pub(crate) fn judge(&self) -> Seen {
        let mut seen = Seen::default();
        let mut requests = self.requests.clone();
        requests.sort_by_key(|request| request.decision.turn);
        let mut times = VecDeque::new();
        let mut latest = 0;
        for request in &requests {
            let Decision { at, limit, admitted, .. } = request.decision;
            assert!(at >= latest, "decided for {at} after {latest}: {request:?}");
            assert!((request.read..=request.returned).contains(&at), "decided for another time: {request:?}");
            latest = at;
            let allowed = self.limits_during(request);
            assert!(allowed.contains(&limit), "applied {limit}, but {allowed:?} held: {request:?}");
            seen.edits_in_flight += usize::from(allowed.len() > 1);
            while times.front().is_some_and(|first| at - first >= MINUTE) {
                times.pop_front();
            }
            let used = times.len();
            let room = used < usize::try_from(limit).unwrap();
            assert_eq!(admitted, room, "{used} of {limit} were used: {request:?}");
            if admitted {
                times.push_back(at);
            }
            seen.admitted += usize::from(admitted);
            seen.limited += usize::from(!admitted);
        }
        seen
    }

    /// Returns the limits that may have applied to a request. These are the last limit whose edit returned
    /// before the request began, and the limits of all edits that were running during the request.
    fn limits_during(&self, request: &Request) -> Vec<u32> {
        let mut limits = vec![self.first_limit];
        for edit in &self.edits {
            if edit.called > request.ended {
                break;
            }
            if edit.returned < request.began {
                limits.clear();
            }
            limits.push(edit.limit);
        }
        limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(order: u64, at: u64, limit: u32, admitted: bool) -> Request {
        let decision = Decision { turn: order, at, limit, admitted };
        Request { began: order, ended: order + 1, read: at, returned: at, decision }
    }

    fn log(requests: Vec<Request>) -> Log {
        Log { first_limit: 1, edits: vec![Edit { called: 10, returned: 20, limit: 2 }], requests }
    }

    #[test]
    fn admission_denial_and_edit_in_flight_are_accepted() {
        let judged = log(vec![
            request(1, 0, 1, true),
            request(3, 1, 1, false),
            request(15, 2, 2, true),
            request(16, 3, 1, false),
            request(21, 4, 2, false),
            request(23, MINUTE, 2, true),
        ]);
        assert_eq!(judged.judge(), Seen { admitted: 3, limited: 3, edits_in_flight: 2 });
    }

    #[test]
    #[should_panic(expected = "1 of 1 were used")]
    fn admission_above_the_limit_is_found() {
        log(vec![request(1, 0, 1, true), request(3, MINUTE - 1, 1, true)]).judge();
    }

    #[test]
    #[should_panic(expected = "0 of 1 were used")]
    fn denial_with_room_left_is_found() {
        log(vec![request(1, 0, 1, true), request(3, MINUTE, 1, false)]).judge();
    }

    #[test]
    #[should_panic(expected = "decided for 4 after 5")]
    fn time_that_goes_back_is_found() {
        log(vec![request(1, 5, 1, true), request(3, 4, 1, false)]).judge();
    }

    #[test]
    #[should_panic(expected = "decided for another time")]
    fn time_from_before_the_request_is_found() {
        let mut early = request(1, 5, 1, true);
        early.read = 6;
        log(vec![early]).judge();
    }

    #[test]
    #[should_panic(expected = "applied 1, but [2] held")]
    fn limit_from_before_an_edit_that_had_returned_is_found() {
        log(vec![request(21, 0, 1, true)]).judge();
    }

    #[test]
    #[should_panic(expected = "applied 2, but [1] held")]
    fn limit_from_after_the_request_is_found() {
        log(vec![request(1, 0, 2, true)]).judge();
    }
}
