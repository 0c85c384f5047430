use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{inner::Inner, lifecycle::UnderWay, live_keys::LiveKey, verified_key::VerifiedKey};
use crate::{
    Timestamp,
    audit::{Outcome, RequestMeta, RequestRecord},
    clock::Monotonic,
    denial::Denial,
};

/// A request that was let in. It ends up on the audit log, whatever becomes of it: with a status
/// when [`finish`](Self::finish) is called, as aborted when it is dropped before.
#[must_use = "dropping it records the request as aborted; call `finish` with the response's status"]
pub struct Admission {
    pub(super) inner: Arc<Inner>,
    pub(super) live: Arc<LiveKey>,
    pub(super) key: VerifiedKey,
    /// Taken when the request is recorded.
    pub(super) meta: Option<RequestMeta>,
    pub(super) at: Timestamp,
    pub(super) began: Monotonic,
    pub(super) under_way: UnderWay,
}

impl Admission {
    /// The key that the request was made with.
    #[must_use]
    pub fn key(&self) -> &VerifiedKey {
        &self.key
    }

    /// Records the request with its response's status. Release the response when the future is
    /// done; with the maintenance running that is at once.
    ///
    /// The request is recorded by this call, not by polling: a client that leaves meanwhile keeps
    /// its status.
    pub fn finish(mut self, status: u16) -> Finish {
        self.record(Outcome::Answered, Some(status));
        if self.inner.is_maintained() {
            return Finish(None);
        }
        let inner = Arc::clone(&self.inner);
        Finish(Some(Box::pin(async move {
            // A failure is noted in `health()`, and the event waits for the next flush.
            let _ = inner.recorder.flush().await;
            drop(self);
            Ok(())
        })))
    }

    fn record(&mut self, outcome: Outcome, status: Option<u16>) {
        if let Some(meta) = self.meta.take() {
            let latency = self.inner.clock.monotonic().saturating_since(self.began);
            let mut record = RequestRecord::new(meta, outcome, latency);
            record.status = status;
            self.inner.recorder.push(&self.live, self.at, record);
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
        f.debug_struct("Admission")
            .field("key", &self.key)
            .field("meta", &self.meta)
            .field("under_way", &self.under_way)
            .finish_non_exhaustive()
    }
}

/// Done when the response may be released.
///
/// Its error is the answer to send in place of the response: the request could not be recorded.
#[must_use = "release the response when this is done"]
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
