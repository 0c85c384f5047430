//! Connections that are lost, and operations that are dropped.

use std::{future::poll_fn, task::Poll, time::Duration};

use apikeys_sqlx_store::{
    MySqlStore,
    apikeys_core::store::{KeyQuery, KeyStore},
};
use sqlx::{AssertSqlSafe, Executor, mysql::MySqlPool};

use super::{
    Stored,
    common::{batch, create, org, writer},
};

/// Returns the ids of all connections to the database.
async fn ids(stored: &Stored) -> Vec<i64> {
    let ids = "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE db = ?";
    let ids = sqlx::query_scalar(ids).bind(stored.database.name());
    ids.fetch_all(&mut stored.database.admin().await).await.unwrap()
}

/// Ends all connections to the database.
async fn kill_all(stored: &Stored) -> usize {
    let mut admin = stored.database.admin().await;
    let ids = ids(stored).await;
    for id in &ids {
        admin.execute(AssertSqlSafe(format!("KILL {id}"))).await.unwrap();
    }
    ids.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server: run cargo xtask test"]
async fn operations_after_all_connections_were_killed_succeed() {
    let stored = Stored::new().await;
    let writer = writer(&stored.store).await;
    for round in 1..=5 {
        // Opens all connections of the pools.
        let many = (0..32).map(|_| {
            let (store, locator, key) =
                (stored.store.clone(), stored.secret.locator.clone(), stored.key.clone());
            tokio::spawn(async move {
                assert!(store.find(&[locator]).await.unwrap().is_some());
                assert!(store.key(&key.org, key.id).await.unwrap().is_some());
            })
        });
        for one in many.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        let killed = kill_all(&stored).await;
        assert!(killed > 4, "only {killed} connections");
        stored.find().await;
        assert!(stored.store.keys(&KeyQuery::new(None, 100)).await.unwrap().items.len() >= round);
        create(&stored.store, &org("acme")).await;
        let recorded = stored.store.record(&batch(writer, round as u64, &stored.key, 3)).await.unwrap();
        assert_eq!(format!("{recorded:?}"), "Applied");
        let view = stored.store.key(&stored.key.org, stored.key.id).await.unwrap().unwrap();
        assert_eq!(view.request_count, 3 * round as u64);
    }
}

/// Polls a future a number of times, and drops it.
async fn begun_and_dropped(future: impl Future, polls: usize) {
    let mut future = Box::pin(future);
    let mut left = polls;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Pending if left > 0 => {
            left -= 1;
            Poll::Pending
        }
        Poll::Pending | Poll::Ready(_) => Poll::Ready(()),
    })
    .await;
}

/// An answer to a dropped statement is never taken for the answer to the next statement.
#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn operation_after_a_dropped_operation_has_its_own_answer() {
    let stored = Stored::new().await;
    let (store, key) = (&stored.store, &stored.key);
    let writer = writer(store).await;
    let mut sequence = 0;
    for polls in 0..40 {
        begun_and_dropped(store.find(std::slice::from_ref(&stored.secret.locator)), polls).await;
        stored.find().await;
        begun_and_dropped(store.keys(&KeyQuery::new(Some(key.org.clone()), 10)), polls).await;
        assert_eq!(store.key(&key.org, key.id).await.unwrap().unwrap().row, *key);
        begun_and_dropped(store.key(&key.org, key.id), polls).await;
        assert_eq!(store.keys(&KeyQuery::new(None, 10)).await.unwrap().items[0].row, *key);
        let next = batch(writer, sequence + 1, key, 1);
        begun_and_dropped(store.record(&next), polls).await;
        // The dropped batch was recorded, or this call records it.
        store.record(&next).await.unwrap();
        sequence += 1;
        let view = store.key(&key.org, key.id).await.unwrap().unwrap();
        assert_eq!(view.request_count, sequence, "after {polls} polls");
    }
}

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn dropped_operation_closes_its_connection() {
    let stored = Stored::new().await;
    stored.find().await;
    let before = ids(&stored).await;
    let mut beside = stored.database.connection().await;
    beside.execute("LOCK TABLES apikeys_secrets WRITE").await.unwrap();
    let locators = [stored.secret.locator.clone()];
    let find = tokio::time::timeout(Duration::from_millis(50), stored.store.find(&locators));
    assert!(find.await.is_err(), "the read ended");
    beside.execute("UNLOCK TABLES").await.unwrap();
    // The server closes the connection when it has run the statement.
    let closed = async {
        loop {
            let now = ids(&stored).await;
            if before.iter().any(|id| !now.contains(id)) {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.expect("the connection stays open");
    stored.find().await;
}

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn verification_while_the_service_uses_its_whole_pool_does_not_wait() {
    let stored = Stored::new().await;
    let pool = MySqlPool::connect(&stored.database.url()).await.unwrap();
    let mut taken = Vec::new();
    while let Some(connection) = pool.try_acquire() {
        taken.push(connection);
    }
    for _ in taken.len()..10 {
        taken.push(pool.acquire().await.unwrap());
    }
    let store = MySqlStore::new(pool.clone());
    let began = std::time::Instant::now();
    assert!(store.find(std::slice::from_ref(&stored.secret.locator)).await.unwrap().is_some());
    let writer = writer(&store).await;
    store.record(&batch(writer, 1, &stored.key, 1)).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    store.close().await;
    assert!(!pool.is_closed());
}
