//! Tests of instances that cannot reach the database.

use std::time::{Duration, Instant};

use apikeys_test_network::{Cut, FaultyNetwork};
use apikeys_test_servers::{Engine, PrivateServer};
use apikeys_tests::{Database, Load, contract::Created};
use tokio::{
    task::{JoinSet, block_in_place},
    time::{sleep, sleep_until},
};

use crate::{
    callers::call,
    fleet::{Fleet, LEASE, QUARTER, SLACK, artifacts, assert_response, whoami},
    on_each_server,
    outage::Outage,
    times::Times,
};

const ORG: &str = "org_enterprise";
/// The number of keys that are deleted.
const KEYS: usize = 4;
/// The number of keys that are deleted first, at the same time.
const FIRST: usize = 2;
/// The number of responses that a test waits for.
const ANSWERS: usize = 10;
/// The longest time after an outage until an instance admits requests.
const RECOVERY: Duration = Duration::from_secs(10);
/// How long an instance waits for the database.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// The first instance can reach the database. The network of the second instance forwards nothing. The connections of
/// the third instance are cut and refused.
async fn instance_without_a_network_admits_nothing_that_was_revoked_elsewhere(database: Database) {
    let artifacts = artifacts("network", database);
    let database = database.create(&artifacts).await;
    let networks = [0; 2].map(|_| FaultyNetwork::before(database.url()));
    let [frozen, refusing] = &networks;
    let urls = [database.url().to_owned(), frozen.url(database.url()), refusing.url(database.url())];
    let fleet = Fleet::start_on(artifacts, database, urls.into()).await;
    let cut_off = [1, 2];
    let kept = fleet.create(0, ORG, "kept").await;
    let mut revoked = Vec::new();
    for number in 0..KEYS {
        revoked.push(fleet.create(0, ORG, &format!("revoked {number}")).await);
    }
    fleet.wait_until_applied().await;
    for instance in cut_off {
        for key in &revoked {
            assert_response(&fleet.call(instance, key).await, 200, None);
        }
    }
    // While an instance records the requests of a key, the key is locked. If the network of the instance then forwards
    // nothing, the database ends the transaction after 3 seconds, and a deletion of the key would wait for that too.
    fleet.wait_until_recorded(&revoked, cut_off.len()).await;
    let kept_loads = cut_off.map(|instance| call(&fleet, instance, &format!("kept-{instance}"), [&kept]));
    for load in &kept_loads {
        wait_for(load, Load::admitted).await;
    }

    let before = Instant::now();
    frozen.freeze();
    refusing.refuse();
    refusing.cut(Cut::Reset);
    let began = Instant::now();
    let revoked_loads = cut_off.map(|instance| {
        let load = |(number, key)| call(&fleet, instance, &format!("revoked-{instance}-{number}"), [key]);
        revoked.iter().enumerate().map(load).collect::<Vec<_>>()
    });
    // The keys are in the memory of these instances.
    for load in revoked_loads.iter().flatten() {
        while load.admitted() == 0 {
            assert!(began.elapsed() < LEASE, "no request was admitted while the lease lasted");
            sleep(Duration::from_millis(1)).await;
        }
    }
    let deleting = Instant::now();
    // The two instances hold leases, so these deletions wait until the leases have ended.
    let [one, another] = [0, 1].map(|number: usize| fleet.delete(0, ORG, &revoked[number]));
    tokio::join!(one, another);
    let mut deleted = vec![Instant::now(); FIRST];
    let waited = deleting.elapsed();
    assert!(waited >= LEASE && waited <= LEASE + SLACK, "{waited:?}");
    let mut times = Times::default();
    for key in &revoked[FIRST..] {
        times.measure(fleet.delete(0, ORG, key)).await;
        deleted.push(Instant::now());
    }
    assert!(times.longest() <= QUARTER + SLACK, "{times}");
    fleet.report(&format!("deletions without a network: the first {waited:?}, then {times}"));

    let responses: Vec<_> = revoked_loads.iter().flatten().map(|load| (load, load.answered())).collect();
    assert_unavailable(&fleet, &cut_off, [&kept, &revoked[0], &revoked[3]]).await;
    // The next response to each client may be to a request from before the deletion. The one after it is not.
    for (load, before) in responses {
        let waiting = Instant::now();
        while load.answered() < before + 2 {
            assert!(waiting.elapsed() < 2 * STORE_TIMEOUT + SLACK, "no response after a deletion");
            sleep(Duration::from_millis(5)).await;
        }
    }
    let outage = Outage { before, began, ended: Instant::now() };
    frozen.thaw();
    refusing.accept();
    for load in &kept_loads {
        wait_for(load, Load::admitted).await;
    }
    for load in revoked_loads.iter().flatten() {
        wait_for(load, Load::answered).await;
    }
    for key in &revoked {
        fleet.assert_responses(key, 401, Some("INVALID_API_KEY")).await;
    }
    fleet.wait_for_leases().await;
    fleet.assert_keys_in_memory_are_used(fleet.numbers()).await;
    for (kept, revoked) in kept_loads.into_iter().zip(revoked_loads) {
        let admitted = outage.assert_key_worked_until_the_lease_ended(&kept.stop().await);
        let mut late = 0;
        for (load, deleted) in revoked.into_iter().zip(&deleted) {
            late += outage.assert_key_did_not_work_after_its_deletion(&load.stop().await, *deleted);
        }
        let result =
            format!("{admitted} requests were admitted in the outage, {late} began after a deletion");
        fleet.report(&result);
    }
    fleet.stop().await;
}

async fn keys_in_memory_work_until_the_lease_ends_after_the_server_was_killed(database: Database) {
    let engine = if database == Database::Postgres { Engine::Postgres } else { Engine::MySql };
    let mut server = block_in_place(|| PrivateServer::start(engine));
    let artifacts = artifacts("killed-server", database);
    let database = database.create_in(&server).await;
    let urls = vec![database.url().to_owned(); 2];
    let fleet = Fleet::start_on(artifacts, database, urls).await;
    let kept = fleet.create(0, ORG, "kept").await;
    fleet.wait_until_applied().await;
    let loads = [0, 1].map(|instance| call(&fleet, instance, &format!("kept-{instance}"), [&kept]));
    for load in &loads {
        wait_for(load, Load::admitted).await;
    }

    let before = Instant::now();
    block_in_place(|| server.kill());
    let began = Instant::now();
    sleep_until((began + LEASE).into()).await;
    assert_unavailable(&fleet, &[0, 1], [&kept]).await;
    let outage = Outage { before, began, ended: Instant::now() };
    block_in_place(|| server.restart());
    for load in &loads {
        wait_for(load, Load::admitted).await;
    }
    fleet.wait_for_leases().await;
    fleet.assert_keys_in_memory_are_used(fleet.numbers()).await;
    for load in loads {
        let admitted = outage.assert_key_worked_until_the_lease_ended(&load.stop().await);
        fleet.report(&format!("{admitted} requests were admitted without the server"));
    }
    fleet.delete(0, ORG, &kept).await;
    fleet.assert_responses(&kept, 401, Some("INVALID_API_KEY")).await;
    fleet.stop().await;
}

/// Sends requests to instances whose leases have ended.
async fn assert_unavailable<const KEYS: usize>(fleet: &Fleet, instances: &[usize], keys: [&Created; KEYS]) {
    let mut requests = JoinSet::new();
    for instance in instances {
        for key in keys {
            let (to, request) = (fleet.instances[*instance].address, whoami(key));
            requests.spawn(async move { request.send(to).await });
        }
    }
    for response in requests.join_all().await {
        assert_response(&response, 503, Some("VERIFICATION_UNAVAILABLE"));
    }
}

/// Waits until a number of responses has grown by [`ANSWERS`].
async fn wait_for(load: &Load, number: fn(&Load) -> usize) {
    let (began, before) = (Instant::now(), number(load));
    while number(load) < before + ANSWERS {
        assert!(began.elapsed() < RECOVERY, "{} responses in {RECOVERY:?}", number(load) - before);
        sleep(Duration::from_millis(5)).await;
    }
}

on_each_server![
    instance_without_a_network_admits_nothing_that_was_revoked_elsewhere,
    keys_in_memory_work_until_the_lease_ends_after_the_server_was_killed,
];
