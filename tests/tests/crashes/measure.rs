use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use apikeys_core::RequestMeta;
use apikeys_tests::{Admin, Issued};
use tokio::task::JoinHandle;

/// How often the quickstart's engine writes its audit log.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);
/// The pause between two measurements.
const PAUSE: Duration = Duration::from_millis(30);
/// The number of events in a measured flush, which is about the number of requests in an interval under load.
const EVENTS: usize = 50;

/// Writes batches of audit events to the database under load, and measures the longest time of a batch.
pub(crate) struct Flushes {
    task: JoinHandle<()>,
    slowest: Arc<AtomicU64>,
    end: Arc<AtomicBool>,
}

impl Flushes {
    /// Starts the measurement with requests of `key`.
    pub(crate) fn measure(admin: &Admin, key: &Issued) -> Self {
        let (admin, secret) = (admin.clone(), key.secret.clone());
        let slowest = Arc::new(AtomicU64::new(0));
        let end = Arc::new(AtomicBool::new(false));
        let (longest, ended) = (Arc::clone(&slowest), Arc::clone(&end));
        let task = tokio::spawn(async move {
            while !ended.load(Ordering::SeqCst) {
                // A late wake-up counts too, because the quickstart also wakes up late if the processors are busy.
                let began = Instant::now();
                tokio::time::sleep(PAUSE).await;
                for _ in 0..EVENTS {
                    let request = RequestMeta::new("GET", "/measured");
                    drop(admin.keys().verify(secret.as_bytes(), request).await.unwrap());
                }
                admin.keys().flush().await.unwrap();
                let took = began.elapsed().saturating_sub(PAUSE);
                longest.fetch_max(u64::try_from(took.as_micros()).unwrap(), Ordering::SeqCst);
            }
        });
        Self { task, slowest, end }
    }

    /// Ends the measurement after the current batch, so that a disk that is slow at this moment is measured too.
    pub(crate) async fn finish(self) -> Duration {
        self.end.store(true, Ordering::SeqCst);
        self.task.await.unwrap();
        tolerance(&self.slowest)
    }

    /// Returns the tolerance according to the measurements so far.
    pub(crate) fn tolerance(&self) -> Duration {
        tolerance(&self.slowest)
    }
}

/// Returns how long before a kill a response may have been sent if its request is missing from the audit log.
///
/// An event waits for the end of the running flush, then for the flush interval, and then for its own flush.
fn tolerance(slowest: &AtomicU64) -> Duration {
    FLUSH_INTERVAL + 2 * Duration::from_micros(slowest.load(Ordering::SeqCst))
}
