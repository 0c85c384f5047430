use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use event_listener::Event;

use crate::store::StoreError;

/// Counts the requests under way, and says when no more may begin.
#[derive(Debug, Default)]
pub(super) struct Lifecycle {
    under_way: AtomicUsize,
    closing: AtomicBool,
    closed: AtomicBool,
    changed: Event,
}

/// A request that is under way.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Lifecycle>);

/// Some events could not be recorded before the shutdown gave up.
#[derive(Debug, thiserror::Error)]
#[error("{unrecorded} audit events could not be recorded before the shutdown")]
#[non_exhaustive]
pub struct ShutdownError {
    /// How many events are lost if the process ends now.
    pub unrecorded: usize,
    /// What the store said last.
    pub source: StoreError,
}

impl Lifecycle {
    /// Begins a request, unless the shutdown has begun.
    pub(super) fn enter(self: &Arc<Self>) -> Option<UnderWay> {
        // Counted first: a shutdown that does not see this request is seen by it.
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

    /// Lets no request begin any more, and waits for those under way.
    pub(super) async fn close_and_drain(&self) {
        self.closing.store(true, Ordering::SeqCst);
        loop {
            let changed = self.changed.listen();
            if self.under_way.load(Ordering::SeqCst) == 0 {
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

    /// Resolves when something has changed about the end.
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
