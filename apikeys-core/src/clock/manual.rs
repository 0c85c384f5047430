use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::{Clock, Monotonic, Sleep, Timestamp};

/// A clock for tests that moves only when [`advance`](Self::advance) is called, so that tests wait
/// for no real time and are deterministic.
///
/// Clones share the same time. A wait begins when [`sleep`](Clock::sleep) is called, even if the returned
/// future has not been polled.
///
/// ```
/// use std::time::Duration;
/// use apikeys_core::{Clock, ManualClock};
///
/// # pollster::block_on(async {
/// let clock = ManualClock::new("2030-01-01T00:00:00Z".parse().unwrap());
/// let minute = clock.sleep(Duration::from_secs(60));
/// clock.advance(Duration::from_secs(60)).await;
/// minute.await;
/// assert_eq!(clock.wall().to_string(), "2030-01-01T00:01:00Z");
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    wall: Timestamp,
    monotonic: Monotonic,
    next_id: u64,
    sleepers: BTreeMap<(Monotonic, u64), Option<Waker>>,
}

/// The number of times that `advance` yields at each deadline. A task that wakes at a deadline may wake other
/// tasks, which must run before the time moves on.
const YIELDS_PER_DEADLINE: usize = 64;

impl ManualClock {
    /// Creates a clock whose time of day is `wall`.
    #[must_use]
    pub fn new(wall: Timestamp) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                wall,
                // The start is not zero, so that a test can look back.
                monotonic: Monotonic::from_micros(1_000_000_000),
                next_id: 0,
                sleepers: BTreeMap::new(),
            })),
        }
    }

    /// Moves the wall clock and the monotonic clock forward by `duration`. If a [`sleep`](Clock::sleep) ends
    /// within `duration`, the clocks move to the end of the sleep first, and move on when the waiting task
    /// has run.
    ///
    /// If the waiting task then begins another sleep that ends within `duration`, that sleep ends in the same
    /// way. On a single-threaded executor, the order in which tasks wake is deterministic.
    pub async fn advance(&self, duration: Duration) {
        let target = self.lock().monotonic.saturating_add(duration);
        yield_many().await;
        while let Some(deadline) = self.next_deadline(target) {
            self.move_to(deadline);
            yield_many().await;
        }
        self.move_to(target);
        yield_many().await;
    }

    /// Sets the wall clock only, as an administrator or a time server does. Waits are not affected.
    pub fn set_wall(&self, wall: Timestamp) {
        self.lock().wall = wall;
    }

    /// Returns the number of waits that have not ended.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.lock().sleepers.len()
    }

    fn next_deadline(&self, target: Monotonic) -> Option<Monotonic> {
        let state = self.lock();
        let (deadline, _) = state.sleepers.keys().next()?;
        (*deadline <= target).then_some((*deadline).max(state.monotonic))
    }

    fn move_to(&self, point: Monotonic) {
        let mut due = Vec::new();
        {
            let mut state = self.lock();
            let passed = point.saturating_since(state.monotonic);
            state.wall = state.wall.saturating_add(passed);
            state.monotonic = state.monotonic.max(point);
            let now = state.monotonic;
            while let Some(entry) = state.sleepers.first_entry() {
                if entry.key().0 > now {
                    break;
                }
                due.extend(entry.remove());
            }
        }
        for waker in due {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    /// Creates a clock whose time of day is 2030-01-01T00:00:00Z.
    fn default() -> Self {
        Self::new(Timestamp::from_micros(1_893_456_000_000_000))
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        self.lock().wall
    }

    fn monotonic(&self) -> Monotonic {
        self.lock().monotonic
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let mut state = self.lock();
        let key = (state.monotonic.saturating_add(duration), state.next_id);
        state.next_id += 1;
        if !duration.is_zero() {
            state.sleepers.insert(key, None);
        }
        drop(state);
        Box::pin(ManualSleep { clock: self.clone(), key })
    }
}

#[derive(Debug)]
struct ManualSleep {
    clock: ManualClock,
    key: (Monotonic, u64),
}

impl Future for ManualSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.lock();
        match state.sleepers.get_mut(&self.key) {
            None => Poll::Ready(()),
            Some(waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for ManualSleep {
    fn drop(&mut self) {
        self.clock.lock().sleepers.remove(&self.key);
    }
}

async fn yield_many() {
    for _ in 0..YIELDS_PER_DEADLINE {
        let mut yielded = false;
        std::future::poll_fn(|cx| {
            if yielded {
                return Poll::Ready(());
            }
            yielded = true;
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_that_begins_during_an_advance_ends_in_it_when_due() {
        pollster::block_on(async {
            let clock = ManualClock::default();
            let chained = async {
                clock.sleep(Duration::from_secs(10)).await;
                clock.sleep(Duration::from_secs(10)).await;
                clock.wall()
            };
            let start = clock.wall();
            let advance = clock.advance(Duration::from_secs(60));
            let (end, ()) = futures_util::future::join(chained, advance).await;
            assert_eq!(end, start.saturating_add(Duration::from_secs(20)));
            assert_eq!(clock.wall(), start.saturating_add(Duration::from_secs(60)));
        });
    }

    #[test]
    fn dropped_wait_is_not_counted() {
        let clock = ManualClock::default();
        let wait = clock.sleep(Duration::from_secs(1));
        assert_eq!(clock.sleepers(), 1);
        drop(wait);
        assert_eq!(clock.sleepers(), 0);
    }

    #[test]
    fn set_wall_leaves_the_monotonic_clock() {
        let clock = ManualClock::default();
        let before = clock.monotonic();
        clock.set_wall(Timestamp::MIN);
        assert_eq!(clock.monotonic(), before);
    }
}
