use std::time::Duration;

use apikeys_core::{
    Clock, Timestamp,
    clock::{Monotonic, Sleep},
};

use crate::{random::Random, simulation::Simulation};

/// What the two clocks of a machine show. All times are microseconds.
#[derive(Debug)]
pub(crate) struct Readings {
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

impl Readings {
    pub(crate) fn new(random: &mut Random) -> Self {
        let rate = 9_955 + random.below(91);
        let offset = 1_893_456_000_000_000 + i64::try_from(random.below(1_000_000_000)).unwrap();
        Self { rate, frozen: 0, offset, suspends: random.chance(50) }
    }

    /// Stops the monotonic clock for some time. The clock must not be read before the time is over.
    pub(crate) const fn freeze(&mut self, time: u64) {
        self.frozen += time;
    }

    pub(crate) const fn set_wall(&mut self, by: i64) {
        self.offset += by;
    }

    fn monotonic(&self, now: u64) -> u64 {
        1_000_000_000 + now.saturating_sub(self.frozen) * self.rate / 10_000
    }

    fn wall(&self, now: u64) -> i64 {
        i64::try_from(now * self.rate / 10_000).unwrap() + self.offset
    }
}

/// The clock of an instance.
#[derive(Debug, Clone)]
pub(crate) struct InstanceClock {
    pub(crate) simulation: Simulation,
    pub(crate) instance: usize,
}

impl Clock for InstanceClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_micros(self.simulation.clock(self.instance, Readings::wall))
    }

    fn monotonic(&self) -> Monotonic {
        Monotonic::from_micros(self.simulation.clock(self.instance, Readings::monotonic))
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let clock = self.clone();
        let end = self.monotonic().saturating_add(duration);
        Box::pin(async move {
            loop {
                let left = end.saturating_since(clock.monotonic());
                if left.is_zero() {
                    return;
                }
                // The machine may run slower than true time, or be suspended meanwhile.
                let left = u64::try_from(left.as_micros()).unwrap();
                clock.simulation.wait(left.max(10)).await;
            }
        })
    }
}
