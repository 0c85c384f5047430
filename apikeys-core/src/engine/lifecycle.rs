use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use event_listener::Event;

use crate::{
    shard::{Padded, parts},
    store::StoreError,
};

/// Counts the running requests and warnings, and records when no more may begin.
#[derive(Debug, Default)]
pub(super) struct Lifecycle {
    /// The number of requests that began in each part of the threads, less those that ended there.
    requests: Requests,
    warnings: AtomicUsize,
    closing: AtomicBool,
    closed: AtomicBool,
    changed: Event,
}

#[derive(Debug)]
struct Requests(Box<[Padded<AtomicUsize>]>);

impl Default for Requests {
    fn default() -> Self {
        Self(parts())
    }
}

/// Counts as a warning that is being sent until the value is dropped.
#[derive(Debug)]
pub(super) struct Sending<'a>(&'a Lifecycle);

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
    /// Counts a request that begins in a part of the threads. Returns `false` if the shutdown has begun. The request must be
    /// counted as ended in any case.
    pub(super) fn begin_request(&self, shard: usize) -> bool {
        // The request is counted first. A shutdown that began too early to see the count is noticed below.
        if let Some(Padded(requests)) = self.requests.0.get(shard) {
            requests.fetch_add(1, Ordering::SeqCst);
        }
        !self.is_closing()
    }

    pub(super) fn end_request(&self, shard: usize) {
        if let Some(Padded(requests)) = self.requests.0.get(shard) {
            requests.fetch_sub(1, Ordering::SeqCst);
        }
        self.notify_ended();
    }

    /// Begins to send a warning. Returns `None` if the shutdown has begun.
    pub(super) fn begin_warning(&self) -> Option<Sending<'_>> {
        self.warnings.fetch_add(1, Ordering::SeqCst);
        let sending = Sending(self);
        (!self.is_closing()).then_some(sending)
    }

    fn notify_ended(&self) {
        if self.is_closing() {
            self.notify();
        }
    }

    /// Makes all calls of [`until`](Self::until) check their condition again.
    pub(super) fn notify(&self) {
        self.changed.notify(usize::MAX);
    }

    /// Waits until `condition` returns `true`.
    pub(super) async fn until(&self, condition: impl Fn() -> bool) {
        loop {
            let changed = self.changed.listen();
            if condition() {
                return;
            }
            changed.await;
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Returns how many requests are running.
    pub(super) fn running_requests(&self) -> usize {
        self.requests.0.iter().map(|Padded(requests)| requests.load(Ordering::SeqCst)).sum()
    }

    /// Returns how many warnings are being sent.
    pub(super) fn running_warnings(&self) -> usize {
        self.warnings.load(Ordering::SeqCst)
    }

    /// Refuses all requests and warnings that begin from now on.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Waits until no request is running and no warning is being sent.
    pub(super) async fn drained(&self) {
        self.until(|| self.running_requests() == 0 && self.running_warnings() == 0).await;
    }

    /// Ends the maintenance.
    pub(super) fn finish(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.notify();
    }

    /// Waits until [`finish`](Self::finish) is called.
    pub(super) async fn closed(&self) {
        self.until(|| self.is_closed()).await;
    }
}

impl Clone for Sending<'_> {
    fn clone(&self) -> Self {
        self.0.warnings.fetch_add(1, Ordering::SeqCst);
        Self(self.0)
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.0.warnings.fetch_sub(1, Ordering::SeqCst);
        self.0.notify_ended();
    }
}
