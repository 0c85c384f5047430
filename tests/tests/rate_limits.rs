//! Rate limits mean what they say, over HTTP.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{sync::Arc, time::Duration};

use apikeys_core::{ManualClock, MemoryStore, RateLimit, Timestamp};
use apikeys_example_axum::protected;
use apikeys_tests::{Admin, Artifacts, Connection, Quickstart, Request, Service};

#[tokio::test(flavor = "multi_thread")]
async fn of_four_hundred_requests_at_once_exactly_the_limit_passes() {
    let artifacts = Artifacts::new("four-hundred");
    let url = artifacts.sqlite_url("keys");
    let service = Quickstart::start(&artifacts, "quickstart", &url).await;
    let admin = Admin::on_sqlite(&url).await;
    let limit = RateLimit::per_minute(100).unwrap();
    let key = admin.issue("org_enterprise", "limited", |key| key.rate_limit(limit)).await;
    let request = Request::get("/v1/whoami").bearer(&key.secret);
    let mut connections = Vec::new();
    for _ in 0..400 {
        connections.push(Connection::open(service.address).await.unwrap());
    }
    let sent = connections.into_iter().map(|mut connection| {
        let request = request.clone();
        tokio::spawn(async move { connection.send(&request).await.unwrap() })
    });
    let (mut passed, mut limited, mut left) = (0, 0, Vec::new());
    for response in sent.collect::<Vec<_>>() {
        let response = response.await.unwrap();
        let rate = response.header("ratelimit").unwrap();
        let remaining: u32 =
            rate.strip_prefix("\"per-key\";r=").unwrap().split(';').next().unwrap().parse().unwrap();
        match response.status {
            200 => {
                passed += 1;
                left.push(remaining);
            }
            429 => {
                limited += 1;
                assert_eq!(remaining, 0);
                assert!((1..=60).contains(&response.header("retry-after").unwrap().parse::<u64>().unwrap()));
            }
            other => panic!("{other}: {}", response.text()),
        }
    }
    assert_eq!((passed, limited), (100, 300));
    // Each place was given away once.
    left.sort_unstable();
    assert_eq!(left, (0..100).collect::<Vec<_>>());
    assert!(service.stop().await.success());
    assert_eq!(admin.view(&key).await.request_count, 100);
    let events = admin.requests(&key).await;
    let requests = events.iter().map(|event| event.request().unwrap());
    let (denied, admitted): (Vec<_>, Vec<_>) = requests.partition(|request| request.denial.is_some());
    assert_eq!(admitted.len(), 100);
    assert_eq!(denied.iter().map(|request| request.requests()).sum::<u32>(), 300);
    // Sixty rows a minute, and one with a count; the minute may have changed meanwhile.
    assert!((61..=122).contains(&denied.len()), "{}", denied.len());
}

/// R22, on a clock that the test holds.
#[tokio::test]
async fn retry_after_is_honest() {
    let artifacts = Artifacts::new("retry-after");
    let clock = ManualClock::new(Timestamp::from_micros(1_893_456_000_000_000));
    let ticking = clock.clone();
    let admin = Admin::on(Arc::new(MemoryStore::new()), move |builder| builder.clock(ticking)).await;
    let service = Service::start(protected(admin.keys().clone())).await;
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
