use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{handle::Running, request_start::RequestStart, verified_key::VerifiedKey};
use crate::{
    audit::{Outcome, RequestMeta, RequestRecord},
    denial::Denial,
};

/// An admitted request.
///
/// Every admitted request is recorded in the audit log. [`finish`](Self::finish) records the request with its
/// status. If the admission is dropped without a call of `finish`, the request is recorded as aborted.
#[must_use = "dropping an admission records the request as aborted; call `finish` with the status"]
pub struct Admission {
    pub(super) running: Running,
    pub(super) key: VerifiedKey,
    /// `None` once the audit event of the request is in the buffer.
    pub(super) meta: Option<RequestMeta>,
    pub(super) start: RequestStart,
}

impl Admission {
    /// Returns the key that the request was made with.
    #[must_use]
    pub fn key(&self) -> &VerifiedKey {
        &self.key
    }

    /// Records the request with the status of its response. Send the response when the returned future is
    /// done. While the [`Maintenance`](super::Maintenance) is running, the future is done at its first poll.
    ///
    /// When `finish` returns the future, the audit event of the request is already in the buffer of events in
    /// memory. If the future is then dropped, for example because the client has left, the event is still
    /// written later.
    pub fn finish(mut self, status: u16) -> Finish {
        self.record(Outcome::Answered, Some(status));
        if self.running.is_maintained() {
            return Finish(None);
        }
        Finish(Some(Box::pin(async move {
            // The recorder reports a failure, and keeps the event for the next flush.
            let _ = self.running.recorder.flush().await;
            Ok(())
        })))
    }

    fn record(&mut self, outcome: Outcome, status: Option<u16>) {
        if let Some(meta) = self.meta.take() {
            let engine = &*self.running;
            let latency = engine.clock.monotonic().saturating_since(self.start.monotonic);
            let mut record = RequestRecord::new(meta, outcome, latency);
            record.status = status;
            engine.recorder.push(Arc::clone(&self.key.snapshot), self.start, record);
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.record(Outcome::Aborted, None);
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("key", &self.key).field("meta", &self.meta).finish_non_exhaustive()
    }
}

/// A future that resolves when the response may be sent.
///
/// When [`Admission::finish`] returns this future, the audit event of the request is already in the buffer of
/// events in memory. If the future returns an error, the error is a denial: send the denial instead of the
/// response. This version of the library returns no error.
#[must_use = "send the response when the future is done"]
pub struct Finish(Option<Flushing>);

type Flushing = Pin<Box<dyn Future<Output = Result<(), Denial>> + Send>>;

impl Future for Finish {
    type Output = Result<(), Denial>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            None => Poll::Ready(Ok(())),
            Some(flush) => flush.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Finish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finish").field("waits", &self.0.is_some()).finish()
    }
}
