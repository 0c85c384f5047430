//! Connections that were lost are replaced.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use apikeys_sqlx_store::apikeys_core::{
    KeyStore,
    store::{CommitOutcome, RecordOutcome, StoreErrorKind},
    token::Locator,
};
use tokio::time::sleep;

use crate::{
    database::{Opened, Server},
    on_each_server,
    values::{batch, create, creation, org, row, secret, writer},
};

on_each_server!(
    operations_after_all_connections_were_ended_succeed,
    operations_while_connections_are_ended_apply_once,
);

/// Each pool has connections that the server has closed since their last use.
async fn operations_after_all_connections_were_ended_succeed<S: Server>() {
    let mut opened = Opened::<S>::new().await;
    let acme = org("acme");
    let (key, secret) = create(&opened.store, &acme).await;
    let writer = writer(&opened.store).await;
    for sequence in 1..6 {
        let locators = std::slice::from_ref(&secret.locator);
        let found = find_eight_times(&opened.store, locators).await;
        assert_eq!(found, 8, "all finds before the connections are ended");
        opened.store.record(&batch(writer, sequence, &key, 1)).await.unwrap();
        let ended = S::end_connections(&mut opened.beside).await;
        assert!(ended > 2, "only {ended} connections");
        // The next operation of each kind succeeds.
        assert!(opened.store.find(locators).await.unwrap().is_some());
        assert!(opened.store.key(&acme, key.id).await.unwrap().is_some());
        create(&opened.store, &acme).await;
    }
    assert_eq!(opened.store.key(&acme, key.id).await.unwrap().unwrap().request_count, 5);
    assert_eq!(opened.store.org(&acme).await.unwrap().unwrap().key_count, 6);
}

/// Finds the secret eight times at once, so that the pool opens several connections.
async fn find_eight_times(store: &(impl KeyStore + Clone), locators: &[Locator]) -> usize {
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (store, locators) = (store.clone(), locators.to_vec());
            tokio::spawn(async move { store.find(&locators).await.unwrap().is_some() })
        })
        .collect();
    let mut found = 0;
    for task in tasks {
        found += usize::from(task.await.unwrap());
    }
    found
}

/// Another connection ends all connections again and again. Reads succeed. A write whose commit was lost may fail, and
/// is repeated as the engine repeats it; all writes are applied once.
async fn operations_while_connections_are_ended_apply_once<S: Server>() {
    const CHANGES: u32 = 60;
    const BATCHES: u64 = 60;
    static ENDED: AtomicBool = AtomicBool::new(false);
    static UNCLEAR: AtomicU64 = AtomicU64::new(0);

    let mut opened = Opened::<S>::new().await;
    let acme = org("acme");
    let (key, found) = create(&opened.store, &acme).await;
    let plan = opened.store.org(&acme).await.unwrap().map(|row| row.stored_plan());
    let writer = writer(&opened.store).await;

    let (store, locator) = (opened.store.clone(), found.locator.clone());
    let reads = tokio::spawn(async move {
        let mut reads = 0_u32;
        while !ENDED.load(Ordering::Relaxed) {
            assert!(store.find(std::slice::from_ref(&locator)).await.unwrap().is_some());
            reads += 1;
        }
        reads
    });
    let (store, made_for) = (opened.store.clone(), acme.clone());
    let changes = tokio::spawn(async move {
        for _ in 0..CHANGES {
            let new = row(&made_for);
            let creation = creation(&new, &secret(new.id), plan.clone());
            loop {
                match store.commit(&creation).await {
                    Ok(outcome) => {
                        assert!(matches!(outcome, CommitOutcome::Done { .. }), "{outcome:?}");
                        break;
                    }
                    Err(error) => {
                        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
                        UNCLEAR.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
    });
    let (store, counted) = (opened.store.clone(), key.clone());
    let batches = tokio::spawn(async move {
        for sequence in 1..=BATCHES {
            let batch = batch(writer, sequence, &counted, 3);
            loop {
                match store.record(&batch).await {
                    Ok(RecordOutcome::Applied | RecordOutcome::AlreadyApplied) => break,
                    Ok(other) => panic!("{other:?}"),
                    Err(error) => {
                        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
                        UNCLEAR.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
    });
    let (mut ended, mut pause) = (0, 5);
    let began = Instant::now();
    while !(changes.is_finished() && batches.is_finished()) {
        assert!(began.elapsed() < Duration::from_secs(60), "the writes do not end");
        ended += S::end_connections(&mut opened.beside).await;
        // Pauses of different lengths end connections at different points of a transaction. The longest leaves time for a
        // whole transaction.
        pause = (pause * 7) % 97 + 5;
        sleep(Duration::from_millis(pause)).await;
    }
    changes.await.unwrap();
    batches.await.unwrap();
    ENDED.store(true, Ordering::Relaxed);
    let reads = reads.await.unwrap();
    let unclear = UNCLEAR.load(Ordering::Relaxed);
    println!("{ended} connections were ended; {reads} reads; {unclear} writes without an answer");
    assert!(ended > 20, "only {ended} connections were ended");
    let counted = opened.store.key(&acme, key.id).await.unwrap().unwrap().request_count;
    assert_eq!(counted, BATCHES * 3);
    assert_eq!(opened.store.org(&acme).await.unwrap().unwrap().key_count, CHANGES + 1);
    let rows = "SELECT count(*) FROM apikeys_audit WHERE action = 'key.created'";
    assert_eq!(S::number(&mut opened.beside, rows).await, i64::from(CHANGES) + 1);
    let rows = "SELECT count(*) FROM apikeys_audit WHERE action = 'request'";
    assert_eq!(S::number(&mut opened.beside, rows).await, i64::try_from(BATCHES * 3).unwrap());
}
