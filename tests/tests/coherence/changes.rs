//! Changes while all instances run and reach the database.

use std::time::Duration;

use apikeys_tests::{Database, Request};
use serde_json::json;

use crate::{
    callers::call,
    fleet::{Fleet, LEASE, QUARTER, SLACK, assert_response, path},
    on_each_store, rounds,
    times::Times,
};

const ORG: &str = "org_enterprise";

/// No request that begins after a revocation has returned is admitted, and none that begins after an activation, an
/// extension or an upgrade has returned is denied.
async fn changes_apply_to_the_next_request_of_every_instance(database: Database) {
    let instances = if database == Database::Postgres { 4 } else { 3 };
    let fleet = Fleet::start("changes", database, instances).await;
    fleet.assert_keys_in_memory_are_used(fleet.numbers()).await;
    let results = rounds::run(&fleet, rounds::revocations()).await;
    fleet.assert_keys_in_memory_are_used(fleet.numbers()).await;
    fleet.report(&format!("deletions: {}", results.deletions));
    fleet.report(&format!("deactivations: {}", results.deactivations));
    fleet.report(&format!("{} responses were checked", results.checked));
    // A call waits for the polls of the other instances, and not for the end of their leases.
    let longest = results.deletions.percentile(50).max(results.deactivations.percentile(50));
    assert!(longest < QUARTER + SLACK / 2, "{longest:?}");
    fleet.stop().await;
}

async fn change_of_the_only_instance_does_not_wait(database: Database) {
    let fleet = Fleet::start("alone", database, 1).await;
    fleet.assert_keys_in_memory_are_used([0]).await;
    let busy = fleet.create(0, ORG, "busy").await;
    let load = call(&fleet, 0, "busy", [&busy]);
    let (mut deactivations, mut deletions) = (Times::default(), Times::default());
    for number in 0..rounds::revocations() / 2 {
        let key = fleet.create(0, ORG, &format!("key {number}")).await;
        assert_response(&fleet.call(0, &key).await, 200, None);
        let deactivated = fleet.edit(0, ORG, &key, json!({ "active": false }));
        deactivations.measure(deactivated).await;
        assert_response(&fleet.call(0, &key).await, 401, Some("API_KEY_DEACTIVATED"));
        deletions.measure(fleet.delete(0, ORG, &key)).await;
        assert_response(&fleet.call(0, &key).await, 401, Some("INVALID_API_KEY"));
    }
    let seen = load.stop().await;
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.answer.is_some_and(|(_, status)| status == 200)));
    fleet.report(&format!("deletions: {deletions}"));
    fleet.report(&format!("deactivations: {deactivations}"));
    for times in [&deletions, &deactivations] {
        // If a change waited for a poll of the same instance, it would take up to a quarter of the lease, and half of
        // that on average.
        assert!(times.percentile(50) < Duration::from_millis(100), "{times}");
        assert!(times.percentile(99) < LEASE / 2, "{times}");
    }
    fleet.stop().await;
}

async fn key_works_on_every_instance_from_its_creation_to_its_deletion(database: Database) {
    let fleet = Fleet::start("life", database, 2).await;
    for one in fleet.numbers() {
        let other = 1 - one;
        let key = fleet.create(one, ORG, &format!("key {one}")).await;
        assert_response(&fleet.call(other, &key).await, 200, None);
        assert_response(&fleet.call(one, &key).await, 200, None);
        fleet.delete(one, ORG, &key).await;
        for instance in [other, one] {
            assert_response(&fleet.call(instance, &key).await, 401, Some("INVALID_API_KEY"));
            let activate = Request::new("PATCH", path(&key)).json(&json!({ "active": true }));
            fleet.manage(instance, ORG, activate, 404).await;
            fleet.manage(instance, ORG, Request::new("DELETE", path(&key)), 404).await;
        }
        fleet.assert_responses(&key, 401, Some("INVALID_API_KEY")).await;
    }
    fleet.stop().await;
}

on_each_store![
    changes_apply_to_the_next_request_of_every_instance,
    change_of_the_only_instance_does_not_wait,
    key_works_on_every_instance_from_its_creation_to_its_deletion,
];
