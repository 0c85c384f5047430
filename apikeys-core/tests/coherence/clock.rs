use crate::random::Random;

/// The two clocks of a machine. All times are microseconds.
#[derive(Debug)]
pub(crate) struct Clock {
    /// How fast both clocks run, in ten-thousandths of the true speed. The clocks of two machines differ by less than
    /// one percent.
    rate: u64,
    /// The time for which the monotonic clock stood still.
    frozen: u64,
    /// How far the wall clock is ahead.
    offset: i64,
    /// Whether the machine can be suspended. Otherwise its wall clock can be set. Both at once would make a lease last longer
    /// than any clock of the machine shows.
    pub(crate) suspends: bool,
}

/// The times that both clocks show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) monotonic: u64,
    pub(crate) wall: i64,
}

impl Clock {
    pub(crate) fn new(random: &mut Random) -> Self {
        let rate = 9_955 + random.below(91);
        let offset = i64::try_from(random.below(1_000_000_000)).unwrap();
        Self { rate, frozen: 0, offset, suspends: random.chance(50) }
    }

    pub(crate) fn read(&self, now: u64) -> Reading {
        let monotonic = (now - self.frozen) * self.rate / 10_000;
        let wall = i64::try_from(now * self.rate / 10_000).unwrap() + self.offset;
        Reading { monotonic, wall }
    }

    /// Stops the monotonic clock for some time. The clock must not be read before the time is over.
    pub(crate) const fn freeze(&mut self, time: u64) {
        self.frozen += time;
    }

    pub(crate) const fn set_wall(&mut self, by: i64) {
        self.offset += by;
    }
}
