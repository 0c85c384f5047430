//! Several quickstart processes on one database.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use apikeys_core::{Actor, KeyPatch, NewKey, RateLimit};
use apikeys_tests::{Admin, Artifacts, Connection, Quickstart, Request, on_each_framework};
use serde_json::json;

/// A change applies to every request that begins after the change has returned.
async fn change_in_one_process_applies_to_the_next_request_of_others(one: &str, two: &str) {
    let artifacts = Artifacts::new(&format!("two-processes-{one}-{two}"));
    let url = artifacts.sqlite_url("keys");
    // Both processes start at the same time and create the database.
    let (one, two) = tokio::join!(
        Quickstart::start(&artifacts, one, "one", &url),
        Quickstart::start(&artifacts, two, "two", &url)
    );
    let admin = Admin::on_sqlite(&url).await;
    let manage = admin.manage("org_professional");
    let mut first = Connection::open(one.address).await.unwrap();
    let mut second = Connection::open(two.address).await.unwrap();
    let limit = RateLimit::per_minute(10_000).unwrap();
    // Each change waits until both processes have polled the database.
    for round in 0..8 {
        let key =
            admin.issue("org_professional", &format!("round {round}"), |key| key.rate_limit(limit)).await;
        let request = Request::get("/v1/whoami").bearer(&key.secret);
        let mut both = async |expected: u16, why: &str| {
            let (a, b) = tokio::join!(first.send(&request), second.send(&request));
            assert_eq!((a.unwrap().status, b.unwrap().status), (expected, expected), "{why}, round {round}");
        };
        both(200, "created").await;
        manage.deactivate(key.id).await.unwrap();
        both(401, "deactivated").await;
        manage.activate(key.id).await.unwrap();
        both(200, "activated").await;
        admin.set_plan("org_professional", "free").await;
        both(403, "downgraded").await;
        admin.set_plan("org_professional", "professional").await;
        both(200, "upgraded").await;
        manage.update(key.id, KeyPatch::new().rate_limit(RateLimit::per_minute(1).unwrap())).await.unwrap();
        both(429, "limited").await;
        manage.delete(key.id).await.unwrap();
        both(401, "deleted").await;
        assert!(manage.activate(key.id).await.is_err(), "a deleted key does not come back");
    }
    assert!(one.stop().await.success());
    assert!(two.stop().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn change_in_one_process_applies_to_two_axum_processes_at_once() {
    change_in_one_process_applies_to_the_next_request_of_others("axum", "axum").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_in_one_process_applies_to_two_actix_processes_at_once() {
    change_in_one_process_applies_to_the_next_request_of_others("actix", "actix").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_in_one_process_applies_to_processes_of_both_frameworks_at_once() {
    change_in_one_process_applies_to_the_next_request_of_others("axum", "actix").await;
}

/// A start deletes the ready-made key of an earlier start, which has the same name. Keys with other names and keys of
/// other organizations stay.
async fn start_replaces_the_key_of_an_earlier_start_and_no_other(framework: &str) {
    let artifacts = Artifacts::new(&format!("ready-made-{framework}"));
    let url = artifacts.sqlite_url("keys");
    let first = Quickstart::start(&artifacts, framework, "first", &url).await;
    let name = format!("Quickstart {framework}");
    let whoami = Request::get("/v1/whoami").bearer(&first.ready_made);
    let expected = first.send(&whoami).await;
    assert_eq!(expected.status, 200);
    let identity = expected.json();
    assert_eq!((&identity["org"], &identity["name"]), (&json!("org_demo"), &json!(name)));
    let admin = Admin::on_sqlite(&url).await;
    let other = admin.issue("org_demo", "Quickstart", |key| key).await;
    let namesake = admin.issue("org_enterprise", &name, |key| key).await;
    let old = first.ready_made.clone();
    assert!(first.stop().await.success());

    let second = Quickstart::start(&artifacts, framework, "second", &url).await;
    for (secret, status) in
        [(&old, 401), (&second.ready_made, 200), (&other.secret, 200), (&namesake.secret, 200)]
    {
        assert_eq!(second.send(&Request::get("/v1/whoami").bearer(secret)).await.status, status);
    }
    let names: Vec<_> = admin.manage("org_demo").list(100, None).await.unwrap().items;
    assert_eq!(names.len(), 2);
    // The other organizations are on the plans of their names.
    for (org, quota) in [
        ("org_free", Some(0)),
        ("org_starter", Some(2)),
        ("org_professional", Some(10)),
        ("org_enterprise", None),
    ] {
        assert_eq!(admin.manage(org).quota().await.unwrap().quota.limit(), quota, "{org}");
    }
    let refused = admin.manage("org_free").create(NewKey::new("none").unwrap()).await.unwrap_err();
    artifacts.leave("errors.txt", &format!("{refused} {refused:?} {:?}", Actor::new("").unwrap_err()));
}

on_each_framework![start_replaces_the_key_of_an_earlier_start_and_no_other];
