//! A long read is stopped, and does not delay verifications.

use std::time::{Duration, Instant};

use apikeys_sqlx_store::apikeys_core::{
    Timestamp,
    store::{AuditQuery, KeyStore, StoreErrorKind, UsageQuery, UsageStep},
};
use sqlx::{Executor, MySqlConnection};
use tokio::time::{sleep, timeout};

use super::Stored;

/// Locks the tables of which only lists, the audit log and usage are read, so that these reads wait.
async fn lock_tables(stored: &Stored) -> MySqlConnection {
    let mut beside = stored.database.connection().await;
    beside.execute("LOCK TABLES apikeys_audit WRITE, apikeys_usage WRITE").await.unwrap();
    beside
}

async fn read(stored: &Stored, number: usize) -> apikeys_sqlx_store::apikeys_core::store::StoreResult<()> {
    let (org, key) = (stored.key.org.clone(), stored.key.id);
    if number % 2 == 0 {
        let query = UsageQuery::new(org, key, Timestamp::MIN, Timestamp::MAX, UsageStep::Hour);
        stored.store.usage(&query).await.map(drop)
    } else {
        stored.store.audit(&AuditQuery::new(org, 50).key(key)).await.map(drop)
    }
}

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn read_that_takes_too_long_is_stopped_with_a_temporary_error() {
    let stored = Stored::new().await;
    let _locked = lock_tables(&stored).await;
    for number in 0..2 {
        let began = Instant::now();
        let read = timeout(Duration::from_secs(4), read(&stored, number));
        let error = read.await.expect("the read was not stopped").unwrap_err();
        assert!(began.elapsed() > Duration::from_secs(1), "{:?}", began.elapsed());
        assert!(error.is_temporary());
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "the read took longer than 2s and was stopped");
    }
    stored.find().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: run cargo xtask test"]
async fn verification_beside_long_reads_does_not_wait() {
    let stored = std::sync::Arc::new(Stored::new().await);
    let _locked = lock_tables(&stored).await;
    let readers: Vec<_> = (0..16)
        .map(|number| {
            let stored = stored.clone();
            tokio::spawn(async move {
                loop {
                    let error = read(&stored, number).await.unwrap_err();
                    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
                }
            })
        })
        .collect();
    sleep(Duration::from_millis(200)).await;
    let (mut longest, began) = (Duration::ZERO, Instant::now());
    // This time is longer than a read can take, so that reads end and begin again.
    while began.elapsed() < Duration::from_secs(3) {
        let begun = Instant::now();
        stored.find().await;
        longest = longest.max(begun.elapsed());
        sleep(Duration::from_millis(10)).await;
    }
    for reader in readers {
        reader.abort();
        assert!(reader.await.unwrap_err().is_cancelled(), "a read ended otherwise than by being stopped");
    }
    println!("the longest verification took {longest:?}");
    assert!(longest < Duration::from_secs(1), "{longest:?}");
}
