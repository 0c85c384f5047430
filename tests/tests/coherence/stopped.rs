//! A test of an instance that is stopped for longer than its lease, as on a machine that is suspended.

use std::time::{Duration, Instant};

use apikeys_tests::{Connection, Database, contract::Created};
use tokio::time::timeout;

use crate::{
    fleet::{Fleet, LEASE, QUARTER, SLACK, assert_response, whoami},
    on_each_store,
    times::Times,
};

const ORG: &str = "org_enterprise";
/// The number of keys that are deleted.
const KEYS: usize = 4;
/// The number of keys that are deleted first, at the same time.
const FIRST: usize = 2;

/// A connection to the stopped instance, and a key that the instance has in its memory.
struct Caller {
    connection: Connection,
    key: Created,
}

async fn stopped_instance_admits_nothing_that_was_revoked_elsewhere(database: Database) {
    let fleet = Fleet::start("stopped", database, 3).await;
    let (stopped, other) = if database == Database::Postgres { (0, 1) } else { (1, 0) };
    let kept = fleet.create(other, ORG, "kept").await;
    let mut callers = Vec::new();
    for number in 0..KEYS {
        let key = fleet.create(other, ORG, &format!("revoked {number}")).await;
        let connection = Connection::open(fleet.instances[stopped].address).await.unwrap();
        callers.push(Caller { connection, key });
    }
    let limited = fleet.create_limited(other, ORG, "limited", 1).await;
    fleet.assert_keys_in_memory_are_used(fleet.numbers()).await;
    for Caller { connection, key } in &mut callers {
        assert_response(&connection.send(&whoami(key)).await.unwrap(), 200, None);
    }
    assert_response(&fleet.call(stopped, &kept).await, 200, None);
    assert_response(&fleet.call(stopped, &limited).await, 200, None);
    let exhausted = Instant::now();
    // An instance that is stopped while it records requests keeps locks until the database ends the transaction. SQLite
    // does not end the transaction.
    let used = callers.iter().map(|caller| &caller.key).chain([&kept, &limited]);
    fleet.wait_until_recorded(used, 1).await;

    fleet.instances[stopped].signal("STOP").await;
    // The stopped instance holds a lease, so these deletions wait until the lease has ended.
    let began = Instant::now();
    let [one, another] = [0, 1].map(|caller: usize| fleet.delete(other, ORG, &callers[caller].key));
    tokio::join!(one, another);
    let waited = began.elapsed();
    assert!(waited >= LEASE && waited <= LEASE + SLACK, "{waited:?}");
    // The stopped instance is no longer registered, so the other deletions do not wait for it.
    let mut times = Times::default();
    for Caller { key, .. } in &callers[FIRST..] {
        times.measure(fleet.delete(other, ORG, key)).await;
    }
    assert!(times.longest() <= QUARTER + SLACK, "{times}");
    fleet.report(&format!("deletions with a stopped instance: the first {waited:?}, then {times}"));

    // The instance receives these requests as soon as it runs again, and before it can ask for changes.
    for Caller { connection, key } in &mut callers {
        connection.write(&whoami(key).to_bytes()).await.unwrap();
    }
    let early = timeout(Duration::from_millis(100), callers[0].connection.read()).await;
    assert!(early.is_err(), "the instance is not stopped: {early:?}");
    fleet.instances[stopped].signal("CONT").await;
    for Caller { connection, .. } in &mut callers {
        assert_response(&connection.read().await.unwrap(), 401, Some("INVALID_API_KEY"));
    }
    fleet.assert_responses(&kept, 200, None).await;
    for Caller { key, .. } in &callers {
        fleet.assert_responses(key, 401, Some("INVALID_API_KEY")).await;
    }
    fleet.wait_for_leases().await;
    fleet.assert_keys_in_memory_are_used(fleet.numbers()).await;
    fleet.assert_responses(&kept, 200, None).await;
    assert_response(&fleet.call(stopped, &limited).await, 429, Some("RATE_LIMITED"));
    assert!(exhausted.elapsed() < Duration::from_secs(60), "the window has ended");
    fleet.delete(other, ORG, &kept).await;
    fleet.assert_responses(&kept, 401, Some("INVALID_API_KEY")).await;
    fleet.stop().await;
}

on_each_store![stopped_instance_admits_nothing_that_was_revoked_elsewhere];
