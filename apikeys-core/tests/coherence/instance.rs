use crate::{
    clock::{Clock, Reading},
    random::Random,
    store::{Entry, KEYS, Object, org_of},
};

/// The length of a lease in microseconds.
pub(crate) const LEASE: u64 = 2_000_000;

/// A process that serves requests.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) clock: Clock,
    /// The number of starts. What an earlier process began is not continued.
    pub(crate) start: u32,
    /// The process does nothing before this time.
    pub(crate) stopped_until: u64,
    /// The number under which the instance is registered.
    pub(crate) row: Option<u64>,
    pub(crate) applied: u64,
    /// The monotonic time and the wall time at which the lease ends.
    lease: Option<Reading>,
    /// The number of evictions.
    pub(crate) generation: u64,
    pub(crate) cache: [Option<Entry>; KEYS],
    pub(crate) renewing: bool,
    /// The verifications that wait for a read of each key, for [`Bug::MissJoinsAnEarlierRead`](crate::bug::Bug).
    pub(crate) waiting: [Vec<usize>; KEYS],
}

impl Instance {
    pub(crate) fn new(random: &mut Random) -> Self {
        Self {
            clock: Clock::new(random),
            start: 0,
            stopped_until: 0,
            row: None,
            applied: 0,
            lease: None,
            generation: 0,
            cache: [None; KEYS],
            renewing: false,
            waiting: Default::default(),
        }
    }

    /// Extends the lease, counted from when the instance asked the store.
    pub(crate) fn extend_lease(&mut self, asked: Reading) {
        let end =
            Reading { monotonic: asked.monotonic + LEASE, wall: asked.wall + i64::try_from(LEASE).unwrap() };
        self.lease = Some(end);
    }

    pub(crate) fn holds_lease(&self, now: u64, with_wall_clock: bool) -> bool {
        let now = self.clock.read(now);
        let ends_later =
            |end: Reading| now.monotonic < end.monotonic && (!with_wall_clock || now.wall < end.wall);
        self.lease.is_some_and(ends_later)
    }

    pub(crate) fn evict(&mut self, object: Object) {
        self.generation += 1;
        for (key, entry) in self.cache.iter_mut().enumerate() {
            if object == Object::Key(key) || object == Object::Org(org_of(key)) {
                *entry = None;
            }
        }
    }

    /// Forgets everything, so that the instance registers again.
    pub(crate) fn reset(&mut self) {
        self.row = None;
        self.lease = None;
        self.generation += 1;
        self.cache = [None; KEYS];
    }

    /// Starts a new process.
    pub(crate) fn restart(&mut self) {
        self.reset();
        self.start += 1;
        self.renewing = false;
        self.waiting = Default::default();
    }
}
