//! Responses while the store fails: no request is admitted, and no response has status 401.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::{sync::Arc, time::Duration};

use apikeys_core::{
    MemoryStore, RateLimit, SystemClock,
    conformance::faults::{Fault, FaultStore, Faults, Method},
    engine::Builder,
};
use apikeys_tests::{
    Admin, Artifacts, InProcess, Issued, Request, Response, on_each_framework, with_another_body,
};

/// A service in this process with a store that fails on demand.
struct Fragile {
    service: InProcess,
    admin: Admin,
    faults: Faults,
    key: Issued,
}

impl Fragile {
    async fn start(framework: &str, with: impl FnOnce(Builder) -> Builder) -> Self {
        let store = FaultStore::new(MemoryStore::new(), Arc::new(SystemClock::new()));
        let faults = store.faults().clone();
        let admin = Admin::on(Arc::new(store), with).await;
        admin.set_plan("org_1", "enterprise").await;
        let high = RateLimit::per_minute(10_000).unwrap();
        let key = admin.issue("org_1", "patient", |key| key.rate_limit(high)).await;
        let service = InProcess::protected(framework, admin.keys()).await;
        Self { service, admin, faults, key }
    }

    async fn send(&self, secret: &str) -> Response {
        Request::get("/v1/whoami").bearer(secret).send(self.service.address).await
    }

    async fn whoami(&self) -> Response {
        self.send(&self.key.secret).await
    }
}

#[track_caller]
fn assert_unavailable(why: &str, response: &Response, body: &str) {
    assert_eq!(response.status, 503, "{why}: {}", response.text());
    let expected =
        [("cache-control", "no-store"), ("content-type", "application/problem+json"), ("retry-after", "1")];
    assert_eq!(response.own_lines(), expected, "{why}");
    assert_eq!(response.text(), body, "{why}");
}

const UNVERIFIED: &str = r#"{"type":"urn:problem-type:apikeys:verification-unavailable","title":"API key cannot be verified","status":503,"detail":"The key could not be checked, and may be valid. Try again in a moment.","code":"VERIFICATION_UNAVAILABLE"}"#;
const UNRECORDED: &str = r#"{"type":"urn:problem-type:apikeys:audit-unavailable","title":"Request cannot be recorded","status":503,"detail":"The request was not carried out. Try again in a moment.","code":"AUDIT_UNAVAILABLE"}"#;

async fn failing_lookup_gives_503_and_never_401(framework: &str) {
    let artifacts = Artifacts::new(&format!("store-away-{framework}"));
    let timeout = Duration::from_millis(200);
    // With the cache, a known key would not be looked up in the store.
    let fragile = Fragile::start(framework, |builder| builder.store_timeout(timeout).without_cache()).await;
    let stranger = with_another_body(&fragile.key.secret);
    for fault in [Fault::Error, Fault::Rejected, Fault::Hang, Fault::AfterCommit, Fault::Delay(5 * timeout)] {
        fragile.faults.set(Method::Find, fault);
        for secret in [&fragile.key.secret, &stranger] {
            let response = fragile.send(secret).await;
            assert_unavailable(&format!("{fault:?}"), &response, UNVERIFIED);
            artifacts.leave("answers.txt", response.text());
        }
        // Denials that need no read from the store stay the same.
        assert_eq!(fragile.send("not a key").await.status, 401);
        fragile.faults.clear();
        assert_eq!(fragile.whoami().await.status, 200, "it recovers from {fault:?} without a restart");
        assert_eq!(fragile.send(&stranger).await.status, 401);
    }
    // A secret is unknown only if the process has every pepper in use.
    fragile.faults.set(Method::Schemes, Fault::Error);
    assert_unavailable("schemes", &fragile.send(&stranger).await, UNVERIFIED);
    assert_eq!(fragile.whoami().await.status, 200);
    artifacts.leave("health.txt", &format!("{:?}", fragile.admin.keys().health()));
}

async fn requests_are_denied_while_the_buffer_of_an_unwritable_log_is_full(framework: &str) {
    let artifacts = Artifacts::new(&format!("audit-away-{framework}"));
    let patience = Duration::from_millis(50);
    let room = 10;
    let fragile =
        Fragile::start(framework, |builder| builder.buffer_capacity(room).buffer_timeout(patience)).await;
    for fault in [Fault::Error, Fault::AfterCommit] {
        fragile.faults.set(Method::Record, fault);
        let mut passed = 0;
        let refused = loop {
            let response = fragile.whoami().await;
            if response.status != 200 {
                break response;
            }
            passed += 1;
            assert!(passed <= 2 * room, "the buffer has no bound");
        };
        assert_unavailable("full", &refused, UNRECORDED);
        artifacts.leave("answers.txt", refused.text());
        assert!(passed > 0);
        let before = fragile.admin.keys().health();
        artifacts.leave("health.txt", &format!("{before:?}"));
        fragile.faults.clear();
        // The maintenance pauses up to two seconds between attempts. An explicit flush does not wait.
        fragile.admin.keys().flush().await.unwrap();
        assert_eq!(fragile.whoami().await.status, 200, "it recovers from {fault:?} without a restart");
    }
    fragile.admin.keys().shutdown().await.unwrap();
    let events = fragile.admin.requests(&fragile.key).await;
    let (mut admitted, mut denied) = (0, 0);
    for event in &events {
        let request = event.request().unwrap();
        match request.outcome.is_admitted() {
            true => admitted += 1,
            false => denied += request.requests(),
        }
    }
    assert_eq!(admitted, fragile.admin.view(&fragile.key).await.request_count());
    assert!(admitted > 2 && denied == 2, "{admitted} {denied}");
}

async fn requests_after_the_shutdown_are_refused(framework: &str) {
    let _artifacts = Artifacts::new(&format!("after-shutdown-{framework}"));
    let fragile = Fragile::start(framework, |builder| builder).await;
    assert_eq!(fragile.whoami().await.status, 200);
    fragile.admin.keys().shutdown().await.unwrap();
    assert_unavailable("shut down", &fragile.whoami().await, UNVERIFIED);
    assert_eq!(fragile.admin.view(&fragile.key).await.request_count(), 1);
}

on_each_framework![
    failing_lookup_gives_503_and_never_401,
    requests_are_denied_while_the_buffer_of_an_unwritable_log_is_full,
    requests_after_the_shutdown_are_refused,
];
