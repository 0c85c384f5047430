use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use event_listener::Event;

use crate::store::StoreError;

/// Counts the running requests and warnings, and records when no more may begin.
#[derive(Debug, Default)]
pub(super) struct Lifecycle {
    requests: AtomicUsize,
    warnings: AtomicUsize,
    closing: AtomicBool,
    closed: AtomicBool,
    changed: Event,
}

/// The work that a shutdown waits for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    Request,
    /// The sending of a warning before a key expires.
    Warning,
}

/// Counts as one running piece of work until the value is dropped.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Lifecycle>, Work);

/// The shutdown could not finish, because requests were still running, warnings were being sent, or audit events
/// could not be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "the shutdown timed out (running requests: {running_requests}, warnings being sent: \
     {running_warnings}, unwritten audit events: {unwritten_events}): call `shutdown` again, or set a longer `shutdown_timeout` on the builder"
)]
#[non_exhaustive]
pub struct ShutdownError {
    /// The number of requests that were still running.
    pub running_requests: usize,
    /// The number of expiry warnings that were still being sent. Another instance may send them a second
    /// time.
    pub running_warnings: usize,
    /// The number of audit events of finished requests that are lost if the process ends now.
    pub unwritten_events: usize,
    /// The error of the last attempt to write the audit log. `None` means that the log was written.
    pub source: Option<StoreError>,
}

impl Lifecycle {
    /// Begins a piece of work. Returns `None` if the shutdown has begun.
    pub(super) fn enter(self: &Arc<Self>, work: Work) -> Option<UnderWay> {
        // The work is counted first. A shutdown that began too early to see the count is noticed below.
        self.count(work).fetch_add(1, Ordering::SeqCst);
        let under_way = UnderWay(Arc::clone(self), work);
        (!self.is_closing()).then_some(under_way)
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Returns how many requests are running, or how many warnings are being sent.
    pub(super) fn running(&self, work: Work) -> usize {
        self.count(work).load(Ordering::SeqCst)
    }

    const fn count(&self, work: Work) -> &AtomicUsize {
        match work {
            Work::Request => &self.requests,
            Work::Warning => &self.warnings,
        }
    }

    /// Refuses all requests and warnings that begin from now on.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Waits until no request is running and no warning is being sent.
    pub(super) async fn drained(&self) {
        loop {
            let changed = self.changed.listen();
            if self.running(Work::Request) == 0 && self.running(Work::Warning) == 0 {
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

impl Clone for UnderWay {
    fn clone(&self) -> Self {
        self.0.count(self.1).fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(&self.0), self.1)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.0.count(self.1).fetch_sub(1, Ordering::SeqCst) == 1 && self.0.is_closing() {
            self.0.changed.notify(usize::MAX);
        }
    }
}
