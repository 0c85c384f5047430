//! Rate limits over HTTP.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{sync::Arc, time::Duration};

use apikeys_core::{ManualClock, MemoryStore, RateLimit, Timestamp};
use apikeys_tests::{Admin, Artifacts, Connection, InProcess, Request, on_each_framework};

/// The test moves the clock.
async fn request_after_retry_after_is_admitted(framework: &str) {
    let artifacts = Artifacts::new(&format!("retry-after-{framework}"));
    let clock = ManualClock::new(Timestamp::from_micros(1_893_456_000_000_000));
    let ticking = clock.clone();
    let admin = Admin::on(Arc::new(MemoryStore::new()), move |builder| builder.clock(ticking)).await;
    let service = InProcess::protected(framework, admin.keys()).await;
    admin.set_plan("org_1", "enterprise").await;
    let mut connection = Connection::open(service.address).await.unwrap();
    for age in [0_u64, 1, 500, 1_000, 1_001, 30_000, 58_999, 59_000, 59_001, 59_999] {
        let once = RateLimit::per_minute(1).unwrap();
        let key = admin.issue("org_1", "once", |key| key.rate_limit(once)).await;
        let request = Request::get("/v1/whoami").bearer(&key.secret);
        assert_eq!(connection.send(&request).await.unwrap().status, 200);
        clock.advance(Duration::from_millis(age)).await;
        let response = connection.send(&request).await.unwrap();
        assert_eq!(response.status, 429);
        let wait: u64 = response.header("retry-after").unwrap().parse().unwrap();
        assert_eq!(wait, (60_000 - age).div_ceil(1_000).max(1), "after {age} ms");
        let mut waited = 0;
        if wait > 2 {
            waited = wait - 2;
            clock.advance(Duration::from_secs(waited)).await;
            assert_eq!(connection.send(&request).await.unwrap().status, 429, "two seconds too early");
        }
        clock.advance(Duration::from_secs(wait - waited)).await;
        assert_eq!(connection.send(&request).await.unwrap().status, 200, "after {wait} s");
    }
    artifacts.leave("done.txt", &format!("{:?}", admin.keys().health()));
}

on_each_framework![request_after_retry_after_is_admitted];
