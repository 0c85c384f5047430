//! Sends requests at the end of a window from three threads, in every order in which they can read the clock and lock the
//! window (loom).

use std::time::Duration;

use loom::{
    model,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use crate::{
    clock::Monotonic,
    rate_limit::{RateLimit, SlidingWindow},
};

const MINUTE: u64 = 60_000_000;
/// The times of three admissions before the requests, in microseconds.
const BEFORE: [u64; 3] = [0, 0, MINUTE / 2];
/// The limits of the three requests. The limit is being edited.
const LIMITS: [u32; 3] = [1, 3, 3];

/// A request, the time that was read before the window was locked, and the time for which the window decided.
struct Decided {
    limit: u32,
    read: u64,
    at: u64,
    /// The time until the oldest admission leaves the window, if the request was admitted.
    admitted: Option<Duration>,
}

struct World {
    /// The time in microseconds. Each reading adds one, so that one request reads the last time before the oldest
    /// admissions leave the window.
    clock: AtomicU64,
    /// The window, and the decisions in their order. It is locked like [`Window`](super::Window).
    window: Mutex<(SlidingWindow, Vec<Decided>)>,
}

impl World {
    fn new() -> Self {
        let mut window = SlidingWindow::new();
        BEFORE.into_iter().for_each(|at| window.record(Monotonic::from_micros(at), 1));
        Self { clock: AtomicU64::new(MINUTE - 1), window: Mutex::new((window, Vec::new())) }
    }

    fn request(&self, limit: u32) {
        let read = self.clock.fetch_add(1, SeqCst);
        let mut locked = self.window.lock().unwrap();
        let (window, decided) = &mut *locked;
        let per_minute = RateLimit::per_minute(limit).unwrap();
        let status = window.try_acquire(Monotonic::from_micros(read), per_minute, 1).ok();
        let admitted = status.map(|status| status.reset_after);
        decided.push(Decided { limit, read, at: window.latest().as_micros(), admitted });
    }
}

/// Compares each decision with that of a list of all admissions. Panics if they differ.
fn judge(decided: &[Decided]) {
    let mut admissions = BEFORE.to_vec();
    let mut latest = 0;
    for Decided { limit, read, at, admitted } in decided {
        assert!(at >= read && *at >= latest, "decided for {at}, after {latest}, for a request of {read}");
        latest = *at;
        let used: Vec<u64> = admissions.iter().copied().filter(|admission| at - admission < MINUTE).collect();
        assert_eq!(admitted.is_some(), used.len() < *limit as usize, "{used:?} of {limit} were used at {at}");
        if let Some(reset_after) = admitted {
            let oldest = used.first().unwrap_or(at);
            assert_eq!(*reset_after, Duration::from_micros(oldest + MINUTE - at), "at {at}");
            admissions.push(*at);
        }
    }
}

#[test]
fn requests_that_read_the_clock_before_others_are_decided_like_a_list_of_times() {
    model(|| {
        let world = Arc::new(World::new());
        let requests = LIMITS.map(|limit| {
            let world = Arc::clone(&world);
            thread::spawn(move || world.request(limit))
        });
        requests.into_iter().for_each(|request| request.join().unwrap());
        judge(&world.window.lock().unwrap().1);
    });
}
