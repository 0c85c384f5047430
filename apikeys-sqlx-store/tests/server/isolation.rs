//! Verification does not wait for management, nor for the service's own use of its pool.

use std::time::{Duration, Instant};

use apikeys_sqlx_store::apikeys_core::{
    KeyStore, Timestamp,
    store::{AuditQuery, KeyRow, SecretRow, StoreErrorKind, StoreResult, UsageQuery, UsageStep},
};
use tokio::time::{sleep, timeout};

use crate::{
    database::{Opened, Server},
    on_each_server,
    values::{batch, create, org, writer},
};

on_each_server!(
    verification_beside_long_reads_does_not_wait,
    verification_and_recording_on_a_busy_pool_do_not_wait,
    read_that_takes_too_long_is_stopped_in_the_database,
    read_whose_future_is_dropped_is_stopped_in_the_database,
);

/// A verification that waited for a read that takes long would take longer than this.
const SHORT: Duration = Duration::from_millis(1_500);

async fn audit(store: &impl KeyStore, key: &KeyRow) -> StoreResult<()> {
    store.audit(&AuditQuery::new(key.org.clone(), 50).key(key.id)).await.map(drop)
}

async fn usage(store: &impl KeyStore, key: &KeyRow) -> StoreResult<()> {
    let query = UsageQuery::new(key.org.clone(), key.id, Timestamp::MIN, Timestamp::MAX, UsageStep::Hour);
    store.usage(&query).await.map(drop)
}

async fn find(store: &impl KeyStore, secret: &SecretRow) -> Duration {
    let began = Instant::now();
    assert!(store.find(std::slice::from_ref(&secret.locator)).await.unwrap().is_some());
    began.elapsed()
}

/// Sixteen reads wait for a lock until they are stopped, and each begins again.
async fn verification_beside_long_reads_does_not_wait<S: Server>() {
    let mut opened = Opened::<S>::new().await;
    let (key, secret) = create(&opened.store, &org("acme")).await;
    S::lock(&mut opened.beside, "apikeys_audit").await;
    let readers: Vec<_> = (0..16)
        .map(|_| {
            let (store, key) = (opened.store.clone(), key.clone());
            tokio::spawn(async move {
                let mut stopped = 0_u32;
                loop {
                    match audit(&store, &key).await {
                        Ok(()) => return stopped,
                        Err(error) => {
                            assert_eq!(error.kind(), StoreErrorKind::Unavailable);
                            stopped += 1;
                        }
                    }
                }
            })
        })
        .collect();
    let (began, mut longest) = (Instant::now(), Duration::ZERO);
    while began.elapsed() < Duration::from_secs(5) {
        longest = longest.max(find(&opened.store, &secret).await);
        sleep(Duration::from_millis(10)).await;
    }
    S::unlock(&mut opened.beside).await;
    let mut stopped = 0;
    for reader in readers {
        stopped += reader.await.unwrap();
    }
    println!("the longest verification took {longest:?}; {stopped} reads were stopped");
    assert!(stopped >= 4, "only {stopped} reads were stopped");
    assert!(longest < SHORT, "a verification took {longest:?}");
}

/// The service holds all connections of its pool, so that an operation that waits for one of them fails.
async fn verification_and_recording_on_a_busy_pool_do_not_wait<S: Server>() {
    let opened = Opened::<S>::new().await;
    let (key, secret) = create(&opened.store, &org("acme")).await;
    let (store, held) = S::on_busy_pool(&opened.database.url(), 2).await;
    find(&store, &secret).await;
    let writer = writer(&opened.store).await;
    store.record(&batch(writer, 1, &key, 3)).await.unwrap();
    if S::SHARES_POOL {
        assert!(timeout(SHORT, store.org(&key.org)).await.is_err(), "management does not use the pool");
    } else {
        store.org(&key.org).await.unwrap();
    }
    drop(held);
    assert!(store.org(&key.org).await.unwrap().is_some());
}

async fn read_that_takes_too_long_is_stopped_in_the_database<S: Server>() {
    let mut opened = Opened::<S>::new().await;
    // A transaction sees the same list of statements until its end, so another connection watches.
    let mut watching = S::beside(&opened.database.url()).await;
    let (key, _) = create(&opened.store, &org("acme")).await;
    S::lock(&mut opened.beside, "apikeys_usage").await;
    let began = Instant::now();
    let read = usage(&opened.store, &key);
    let waiting = async {
        sleep(Duration::from_secs(1)).await;
        S::number(&mut watching, S::WAITING).await
    };
    let (read, waiting) = tokio::join!(read, waiting);
    assert_eq!(waiting, 1, "the read does not wait for the lock");
    let error = read.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "the read took longer than 2s and was stopped");
    assert!((2..4).contains(&began.elapsed().as_secs()), "stopped after {:?}", began.elapsed());
    // While the table is locked, a read that runs waits. MariaDB lists a statement for a moment after it has ended.
    assert_eq!(S::number(&mut watching, S::WAITING).await, 0);
    S::unlock(&mut opened.beside).await;
    usage(&opened.store, &key).await.unwrap();
}

async fn read_whose_future_is_dropped_is_stopped_in_the_database<S: Server>() {
    let mut opened = Opened::<S>::new().await;
    // A transaction sees the same list of statements until its end, so another connection watches.
    let mut watching = S::beside(&opened.database.url()).await;
    let (key, _) = create(&opened.store, &org("acme")).await;
    S::lock(&mut opened.beside, "apikeys_usage").await;
    for _ in 0..8 {
        assert!(timeout(Duration::from_millis(100), usage(&opened.store, &key)).await.is_err());
    }
    assert!(S::number(&mut watching, S::RUNNING).await > 0, "the reads have not begun");
    let began = Instant::now();
    while S::number(&mut watching, S::RUNNING).await > 0 {
        assert!(began.elapsed() < Duration::from_secs(5), "dropped reads still run");
        sleep(Duration::from_millis(20)).await;
    }
    S::unlock(&mut opened.beside).await;
    usage(&opened.store, &key).await.unwrap();
}
