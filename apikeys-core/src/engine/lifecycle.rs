use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use event_listener::Event;

use crate::store::StoreError;

/// Counts the running requests, and records when no more requests may begin.
#[derive(Debug, Default)]
pub(super) struct Lifecycle {
    under_way: AtomicUsize,
    closing: AtomicBool,
    closed: AtomicBool,
    changed: Event,
}

/// Counts as one running request until the value is dropped.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Lifecycle>);

/// The shutdown could not finish, because requests were still running or audit events could not be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "the shutdown timed out (running requests: {running_requests}, unwritten audit events: \
     {unwritten_events}): call `shutdown` again, or set a longer `shutdown_timeout` on the builder"
)]
#[non_exhaustive]
pub struct ShutdownError {
    /// The number of requests that were still running.
    pub running_requests: usize,
    /// The number of audit events of finished requests that are lost if the process ends now.
    pub unwritten_events: usize,
    /// The error of the last attempt to write the audit log. `None` means that the log was written.
    pub source: Option<StoreError>,
}

impl Lifecycle {
    /// Begins a request. Returns `None` if the shutdown has begun.
    pub(super) fn enter(self: &Arc<Self>) -> Option<UnderWay> {
        // The request is counted first. A shutdown that began too early to see the count is noticed below.
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let under_way = UnderWay(Arc::clone(self));
        (!self.is_closing()).then_some(under_way)
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Returns how many requests are running.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }

    /// Refuses all requests that begin from now on.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Waits until no request is running.
    pub(super) async fn drained(&self) {
        loop {
            let changed = self.changed.listen();
            if self.under_way() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// Ends the maintenance.
    pub(super) fn finish(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.changed.notify(usize::MAX);
    }

    /// Waits until [`finish`](Self::finish) is called.
    pub(super) async fn closed(&self) {
        loop {
            let changed = self.changed.listen();
            if self.is_closed() {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.0.under_way.fetch_sub(1, Ordering::SeqCst) == 1 && self.0.is_closing() {
            self.0.changed.notify(usize::MAX);
        }
    }
}
