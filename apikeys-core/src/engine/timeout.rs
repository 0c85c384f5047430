use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use futures_util::future::{FutureExt, Shared};

use crate::{
    clock::{Clock, Monotonic, Sleep},
    store::{StoreError, StoreErrorKind, StoreResult},
};

/// The source of the error for a store that did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0:?}")]
struct NoAnswer(Duration);

/// The timeout of the operations of a store.
///
/// Creating a timer wakes the thread that waits for the timers, which can take as long as a short read. So operations
/// that begin within an eighth of the timeout share one timer. It ends when the time of the first of them has run out.
#[derive(Debug)]
pub(super) struct StoreTimeout {
    clock: Arc<dyn Clock>,
    limit: Duration,
    timer: Mutex<Option<Timer>>,
}

#[derive(Debug)]
struct Timer {
    started: Monotonic,
    end: Shared<Sleep>,
}

impl StoreTimeout {
    pub(super) fn new(clock: Arc<dyn Clock>, limit: Duration) -> Self {
        Self { clock, limit, timer: Mutex::new(None) }
    }

    /// Returns the longest time that an operation may take.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// Waits for a store's answer for no longer than the timeout, and for at least seven eighths of it. A store that
    /// does not answer in time is treated as unavailable.
    pub(super) async fn within<T>(
        &self,
        operation: &'static str,
        answer: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        match first(answer, || self.timer()).await {
            Some(answer) => answer,
            None => Err(no_answer(operation, self.limit)),
        }
    }

    fn timer(&self) -> Shared<Sleep> {
        let now = self.clock.monotonic();
        let mut timer = self.timer.lock().unwrap_or_else(PoisonError::into_inner);
        match &*timer {
            Some(timer) if now.saturating_since(timer.started) < self.limit / 8 => timer.end.clone(),
            _ => {
                let end = self.clock.sleep(self.limit).shared();
                *timer = Some(Timer { started: now, end: end.clone() });
                end
            }
        }
    }
}

/// Waits for a store's answer for no longer than `limit`. A store that does not answer in time is
/// treated as unavailable.
pub(super) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    operation: &'static str,
    answer: impl Future<Output = StoreResult<T>>,
) -> StoreResult<T> {
    match for_at_most(clock, limit, answer).await {
        Some(answer) => answer,
        None => Err(no_answer(operation, limit)),
    }
}

fn no_answer(operation: &'static str, limit: Duration) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, operation).with_source(NoAnswer(limit))
}

/// Polls `future` for no longer than `limit`, and at least once. Returns `None` if the time ran
/// out.
pub(super) async fn for_at_most<T>(
    clock: &dyn Clock,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    first(future, || clock.sleep(limit)).await
}

/// Polls `future` until `timer` ends, and at least once. Returns `None` if the timer ended first. The timer is only
/// created if the future is not ready at once.
async fn first<T, S: Future<Output = ()> + Unpin>(
    future: impl Future<Output = T>,
    timer: impl Fn() -> S,
) -> Option<T> {
    let mut future = pin!(future);
    let mut running = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        running.get_or_insert_with(&timer).poll_unpin(cx).map(|()| None)
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        pin::Pin,
        sync::Arc,
        time::Duration,
    };

    use futures_util::{FutureExt, future::join_all};

    use super::{StoreTimeout, within};
    use crate::{
        clock::{Clock, ManualClock},
        store::{StoreErrorKind, StoreResult},
    };

    const LIMIT: Duration = Duration::from_secs(8);

    type Operation<'a> = Pin<Box<dyn Future<Output = StoreResult<()>> + 'a>>;

    struct Bench {
        clock: ManualClock,
        timeout: StoreTimeout,
    }

    impl Bench {
        fn new() -> Self {
            let clock = ManualClock::default();
            Self { timeout: StoreTimeout::new(Arc::new(clock.clone()), LIMIT), clock }
        }

        /// Begins an operation that the store never answers.
        fn begin(&self) -> Operation<'_> {
            let mut operation: Operation<'_> = Box::pin(self.timeout.within("find", pending()));
            assert!(!has_ended(&mut operation));
            operation
        }

        async fn pass(&self, millis: u64) {
            self.clock.advance(Duration::from_millis(millis)).await;
        }
    }

    fn has_ended(operation: &mut Operation<'_>) -> bool {
        match operation.as_mut().now_or_never() {
            Some(answer) => {
                assert_eq!(answer.unwrap_err().kind(), StoreErrorKind::Unavailable);
                true
            }
            None => false,
        }
    }

    #[tokio::test]
    async fn operation_that_is_ready_at_once_starts_no_timer() {
        let bench = Bench::new();
        assert_eq!(bench.timeout.within("find", ready(Ok(7))).await.unwrap(), 7);
        within(&bench.clock, LIMIT, "find", ready(Ok(()))).await.unwrap();
        assert_eq!(bench.clock.sleepers(), 0);
    }

    #[tokio::test]
    async fn operations_of_an_eighth_of_the_timeout_share_one_timer() {
        let bench = Bench::new();
        let mut first = bench.begin();
        bench.pass(999).await;
        let mut second = bench.begin();
        assert_eq!(bench.clock.sleepers(), 1);
        bench.pass(1).await;
        let mut third = bench.begin();
        assert_eq!(bench.clock.sleepers(), 2);
        bench.pass(6_999).await;
        assert!(!has_ended(&mut first) && !has_ended(&mut second) && !has_ended(&mut third));
        bench.pass(1).await;
        assert!(has_ended(&mut first) && has_ended(&mut second) && !has_ended(&mut third));
        bench.pass(1_000).await;
        assert!(has_ended(&mut third));
    }

    #[tokio::test]
    async fn operation_after_many_short_ones_gets_at_least_seven_eighths_of_the_timeout() {
        let bench = Bench::new();
        for _ in 0..100 {
            drop(bench.begin());
            bench.pass(333).await;
        }
        let start = bench.clock.monotonic();
        bench.timeout.within("find", advancing(&bench)).await.unwrap_err();
        let took = bench.clock.monotonic().saturating_since(start);
        assert!((LIMIT / 8 * 7..=LIMIT).contains(&took), "{took:?}");
    }

    /// Never resolves, and moves the time by a millisecond whenever it is polled.
    async fn advancing(bench: &Bench) -> StoreResult<()> {
        loop {
            bench.pass(1).await;
        }
    }

    #[tokio::test]
    async fn all_operations_of_a_timer_wake_even_if_others_of_them_are_dropped() {
        let bench = Bench::new();
        let mut operations: Vec<_> = (0..10).map(|_| bench.begin()).collect();
        // The timer was polled last by the last operation.
        operations.pop();
        drop(operations.remove(0));
        let (answers, ()) = tokio::join!(join_all(operations), bench.pass(8_000));
        assert_eq!(answers.len(), 8);
        assert!(answers.iter().all(Result::is_err));
    }
}
