use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use crate::{
    clock::{Clock, Sleep},
    store::{StoreError, StoreErrorKind, StoreResult},
};

/// The store did not answer within the time it was given.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0:?}")]
struct NoAnswer(Duration);

/// Waits for a store's answer for no longer than `limit`. A store that hangs is as good as away.
pub(super) async fn within<T>(
    clock: &dyn Clock,
    limit: Duration,
    operation: &'static str,
    answer: impl Future<Output = StoreResult<T>>,
) -> StoreResult<T> {
    let mut answer = pin!(answer);
    // Made only when the store does not answer at once.
    let mut sleep: Option<Sleep> = None;
    poll_fn(|cx| {
        if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
            return Poll::Ready(answer);
        }
        let sleep = sleep.get_or_insert_with(|| clock.sleep(limit));
        sleep.as_mut().poll(cx).map(|()| {
            Err(StoreError::new(StoreErrorKind::Unavailable, operation).with_source(NoAnswer(limit)))
        })
    })
    .await
}
