use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use crate::{
    clock::{Clock, Sleep},
    store::{StoreError, StoreErrorKind, StoreResult},
};

/// The source of the error for a store that did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0:?}")]
struct NoAnswer(Duration);

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
        None => Err(StoreError::new(StoreErrorKind::Unavailable, operation).with_source(NoAnswer(limit))),
    }
}

/// Polls `future` for no longer than `limit`, and at least once. Returns `None` if the time ran
/// out.
pub(super) async fn for_at_most<T>(
    clock: &dyn Clock,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = pin!(future);
    // The clock is only used if the future is not ready at once.
    let mut sleep: Option<Sleep> = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        let sleep = sleep.get_or_insert_with(|| clock.sleep(limit));
        sleep.as_mut().poll(cx).map(|()| None)
    })
    .await
}
