use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use futures_util::future::{join5, select};

use super::{
    cache::{Moment, renewal_loop},
    inner::Inner,
    purge::purge_loop,
    warn::warning_loop,
};

/// The background work of the [engine](super): writing the audit log, asking the store for changes of keys in memory,
/// freeing the memory used for keys without recent requests, looking for other instances, removing the
/// data of [forgotten](super::Operator::forget) organizations, and sending [warnings](crate::warning) before keys
/// expire.
///
/// Spawn [`run`](Self::run) as a task on your async runtime. Without this task, no audit events are lost, but
/// every request waits until its own audit event is written, and every verification reads the store.
#[derive(Debug)]
#[must_use = "spawn `maintenance.run()`, or every request waits for its audit event to be written"]
pub struct Maintenance {
    pub(super) inner: Arc<Inner>,
}

/// The interval at which the memory used for keys without recent requests is freed.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);
/// The longest pause between two attempts to write the audit log.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl Maintenance {
    /// Does the background work until [`ApiKeys::shutdown`](super::ApiKeys::shutdown) is done.
    pub async fn run(self) {
        let _running = Running::new(&self.inner);
        // The loops are separate, so that one that waits for the store or a mail server does not hold up the
        // others.
        let inner = &*self.inner;
        let loops = join5(
            flush_loop(inner),
            renewal_loop(inner),
            sweep_loop(inner),
            purge_loop(inner),
            warning_loop(inner),
        );
        // The end comes first, so that a poll whose answer arrives at the same time does not extend the lease.
        select(pin!(self.inner.lifecycle.closed()), pin!(loops)).await;
    }
}

async fn flush_loop(inner: &Inner) {
    let mut pause = inner.options.flush_interval;
    loop {
        if pause == inner.options.flush_interval {
            select(pin!(inner.recorder.batch_is_full()), inner.clock.sleep(pause)).await;
        } else {
            inner.clock.sleep(pause).await;
        }
        pause = match inner.recorder.flush().await {
            Ok(()) => inner.options.flush_interval,
            Err(_) => (pause * 2).min(LONGEST_PAUSE),
        };
    }
}

async fn sweep_loop(inner: &Inner) {
    loop {
        inner.clock.sleep(SWEEP_INTERVAL).await;
        let now = Moment::now(&*inner.clock);
        inner.cache.sweep(now, give_way).await;
        inner.live.sweep(now, give_way).await;
        inner.look_for_instances().await;
    }
}

/// Lets other tasks run.
async fn give_way() {
    let mut is_first = true;
    poll_fn(|cx| {
        if !std::mem::take(&mut is_first) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Marks the maintenance as running for as long as the value lives.
struct Running<'a>(&'a Inner);

impl<'a> Running<'a> {
    fn new(inner: &'a Inner) -> Self {
        inner.maintained.store(true, Ordering::SeqCst);
        Self(inner)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.maintained.store(false, Ordering::SeqCst);
        self.0.lifecycle.notify();
    }
}
