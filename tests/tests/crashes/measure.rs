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
/// Between two measurements.
const PAUSE: Duration = Duration::from_millis(30);
/// Events in a measured flush: about as many as a load makes in an interval.
const EVENTS: usize = 50;

/// Writes audit events to the database of a load, batch after batch, and keeps the longest time
/// that a batch took.
pub(crate) struct Flushes {
    task: JoinHandle<()>,
    slowest: Arc<AtomicU64>,
    end: Arc<AtomicBool>,
}

impl Flushes {
    /// Starts measuring, with requests made with `key`.
    pub(crate) fn measure(admin: &Admin, key: &Issued) -> Self {
        let (admin, secret) = (admin.clone(), key.secret.clone());
        let slowest = Arc::new(AtomicU64::new(0));
        let end = Arc::new(AtomicBool::new(false));
        let (longest, ended) = (Arc::clone(&slowest), Arc::clone(&end));
        let task = tokio::spawn(async move {
            while !ended.load(Ordering::SeqCst) {
                // Waking up late counts too: so does the quickstart when the cores are busy.
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

    /// Ends measuring after the batch that is being written, so that a disk that stalls now is
    /// measured as well.
    pub(crate) async fn finish(self) -> Duration {
        self.end.store(true, Ordering::SeqCst);
        self.task.await.unwrap();
        tolerance(&self.slowest)
    }

    /// The tolerance by what has been measured so far.
    pub(crate) fn tolerance(&self) -> Duration {
        tolerance(&self.slowest)
    }
}

/// How long an answer may have been given before a kill and still be missing from the log.
///
/// It waits for the flush that is under way, then for an interval, then for its own flush.
fn tolerance(slowest: &AtomicU64) -> Duration {
    FLUSH_INTERVAL + 2 * Duration::from_micros(slowest.load(Ordering::SeqCst))
}
