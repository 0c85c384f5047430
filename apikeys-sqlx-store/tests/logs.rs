//! The length of log lines does not depend on the data.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "store/common.rs"]
mod common;
#[path = "store/values.rs"]
mod values;

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use apikeys_sqlx_store::{
    SqliteStore,
    apikeys_core::{
        RequestMeta, Timestamp,
        audit::{Detail, Outcome, RequestRecord},
        id::WriterId,
        store::{AuditQuery, Batch, KeyQuery, KeyRow, KeyStore, UsageQuery, UsageStep},
    },
};
use apikeys_test_leftovers::Folder;
use common::{create, org, request, secret, url, writer};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

/// All lines must be shorter than this number of bytes.
const LONG: usize = 1_000;

/// Collects the log lines of all threads.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn installed() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_writer(writer)
            .with_ansi(false)
            .init();
        log
    }

    /// Returns the length of the longest line since the last call.
    fn longest(&self) -> usize {
        let text = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(text).unwrap().lines().map(str::len).max().unwrap_or(0)
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Line breaks are replaced, so that each log event is one line.
        let line: Vec<u8> = bytes.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }).collect();
        let mut log = self.0.lock().unwrap();
        log.extend(line);
        log.push(b'\n');
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

fn long_request(key: &KeyRow) -> apikeys_sqlx_store::apikeys_core::audit::AuditEvent {
    let mut event = request(key);
    let meta = RequestMeta::new("GET", &"/path".repeat(200)).with_user_agent("agent ".repeat(40).as_bytes());
    event.detail = Detail::Request(RequestRecord::new(meta, Outcome::Answered, Duration::from_millis(2)));
    event
}

/// Writes a batch of events, and calls every read with a large page size.
async fn used(store: &SqliteStore, writer: WriterId, sequence: u64, key: &KeyRow, events: usize) {
    let batch = Batch::new(writer, sequence, (0..events).map(|_| long_request(key)).collect());
    store.record(&batch).await.unwrap();
    let many: Vec<_> = (0..events.min(100)).map(|_| secret(key.id).locator).collect();
    assert!(store.find(&many).await.unwrap().is_none());
    store.schemes().await.unwrap();
    store.org(&key.org).await.unwrap();
    store.key(&key.org, key.id).await.unwrap();
    store.keys(&KeyQuery::new(None, 1_000)).await.unwrap();
    let page = AuditQuery::new(key.org.clone(), u32::try_from(events).unwrap());
    assert!(store.audit(&page.clone()).await.unwrap().items.len() >= events);
    store.audit(&page.key(key.id).since(Timestamp::MIN)).await.unwrap();
    let usage = UsageQuery::new(key.org.clone(), key.id, Timestamp::MIN, Timestamp::MAX, UsageStep::Hour);
    store.usage(&usage).await.unwrap();
}

#[tokio::test]
async fn log_line_with_many_events_is_short() {
    let log = Log::installed();
    tracing::trace!("captured");
    assert!(log.longest() > 0, "nothing is captured");
    let folder = Folder::new();
    let store = SqliteStore::connect(&url(&folder.path().join("keys.db"))).await.unwrap();
    let (key, _) = create(&store, &org("acme")).await;
    let writer = writer(&store).await;
    assert!(log.longest() < LONG);
    used(&store, writer, 1, &key, 1).await;
    let few = log.longest();
    used(&store, writer, 2, &key, 1_000).await;
    let many = log.longest();
    println!("longest line with one event: {few} bytes, with a thousand: {many} bytes");
    assert!(few < LONG && many < LONG, "{few} and {many} bytes");
    assert!(many <= few + 40, "{few} and {many} bytes");
}
