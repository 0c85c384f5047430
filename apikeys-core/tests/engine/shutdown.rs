use std::time::Duration;

use apikeys_core::{
    Clock, Denial,
    audit::Outcome,
    conformance::faults::{Fault, Method},
    engine::{Builder, ShutdownError},
};

use crate::support::{Bench, id, new_key, outcomes, poll_once};

#[tokio::test]
async fn shutdown_refuses_new_requests_and_records_running_requests() {
    let mut bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    let maintenance = bench.maintain().await;
    bench.clock.advance(Duration::ZERO).await;
    let under_way = bench.verify(&created.secret).await.unwrap();
    bench.clock.advance(Duration::from_micros(1)).await;
    bench.call(&created.secret).await.unwrap();
    let mut shutdown = Box::pin(bench.keys.shutdown());
    assert!(poll_once(shutdown.as_mut()).await.is_pending());
    assert_eq!(bench.call(&created.secret).await, Err(Denial::VerificationUnavailable));
    assert!(!bench.keys.health().accepting);
    assert!(poll_once(shutdown.as_mut()).await.is_pending());
    under_way.finish(202).await.unwrap();
    shutdown.await.unwrap();
    maintenance.await.unwrap();
    assert_eq!(bench.keys.health().buffered_events, 0);
    // The request that began first comes first in the audit log.
    assert_eq!(
        outcomes(&bench.requests().await),
        [(Outcome::Answered, Some(202)), (Outcome::Answered, Some(200))]
    );
}

#[tokio::test]
async fn shutdown_with_an_unavailable_store_returns_the_number_of_unwritten_events() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    bench.faults.set(Method::Record, Fault::Error);
    bench.call(&created.secret).await.unwrap();
    let error = bench.pass_time_until(bench.keys.shutdown()).await.unwrap_err();
    assert_eq!(error.unwritten_events, 1);
    bench.faults.clear();
    bench.keys.shutdown().await.unwrap();
    assert_eq!(bench.count(id(&created)).await, 1);
}

#[tokio::test]
async fn shutdown_records_all_events_if_the_store_is_back_in_time() {
    let mut bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    bench.maintain().await;
    bench.clock.advance(Duration::ZERO).await;
    bench.faults.set(Method::Record, Fault::Hang);
    for _ in 0..5 {
        bench.call(&created.secret).await.unwrap();
    }
    let mut shutdown = Box::pin(bench.keys.shutdown());
    assert!(poll_once(shutdown.as_mut()).await.is_pending());
    bench.clock.advance(Duration::from_secs(4)).await;
    bench.faults.clear();
    bench.pass_time_until(shutdown).await.unwrap();
    assert_eq!(bench.count(id(&created)).await, 5);
}

#[tokio::test]
async fn dropped_maintenance_loses_no_event() {
    let mut bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    let maintenance = bench.maintain().await;
    bench.clock.advance(Duration::from_millis(1)).await;
    bench.call(&created.secret).await.unwrap();
    assert!(bench.keys.health().maintained);
    maintenance.abort();
    assert!(maintenance.await.unwrap_err().is_cancelled());
    assert!(!bench.keys.health().maintained);
    bench.call(&created.secret).await.unwrap();
    assert_eq!(bench.manage().get(id(&created)).await.unwrap().request_count(), 2);
}

/// Shuts down the engine. Returns how long this takes on the engine's clock, and the result.
async fn timed_shutdown(bench: &Bench) -> (Duration, Result<(), ShutdownError>) {
    let start = bench.clock.monotonic();
    let result = bench.pass_time_until(bench.keys.shutdown()).await;
    (bench.clock.monotonic().saturating_since(start), result)
}

#[tokio::test]
async fn shutdown_with_a_request_that_does_not_end_returns_within_its_timeout() {
    let mut bench = Bench::with(|builder| builder.shutdown_timeout(Duration::from_secs(3))).await;
    let created = bench.create(new_key("CI")).await;
    let maintenance = bench.maintain().await;
    let held = bench.verify(&created.secret).await.unwrap();
    let (took, result) = timed_shutdown(&bench).await;
    assert!(took <= Duration::from_secs(3), "{took:?}");
    let error = result.unwrap_err();
    assert_eq!((error.running_requests, error.unwritten_events, error.source.is_none()), (1, 0, true));
    assert_eq!(
        error.to_string(),
        "the shutdown timed out (running requests: 1, warnings being sent: 0, unwritten audit events: 0): \
         call `shutdown` again, or set a longer `shutdown_timeout` on the builder"
    );
    maintenance.await.unwrap();
    drop(held);
}

#[tokio::test]
async fn shutdown_with_a_store_that_hangs_returns_within_its_timeout() {
    let bench = Bench::with(|builder| builder.shutdown_timeout(Duration::from_secs(2))).await;
    let created = bench.create(new_key("CI")).await;
    bench.faults.set(Method::Record, Fault::Error);
    bench.call(&created.secret).await.unwrap();
    for fault in [Fault::Hang, Fault::Delay(Duration::from_secs(4)), Fault::Error] {
        bench.faults.set(Method::Record, fault);
        let (took, result) = timed_shutdown(&bench).await;
        assert!(took <= Duration::from_secs(2), "{fault:?}: {took:?}");
        assert_eq!(result.unwrap_err().unwritten_events, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn shutdown_does_not_sleep_past_its_timeout_between_attempts() {
    let adjust = |builder: Builder| {
        builder.shutdown_timeout(Duration::from_secs(2)).flush_interval(Duration::from_secs(30))
    };
    let bench = Bench::with(adjust).await;
    let created = bench.create(new_key("CI")).await;
    bench.faults.set(Method::Record, Fault::Error);
    bench.call(&created.secret).await.unwrap();
    let (took, result) = timed_shutdown(&bench).await;
    assert!(took <= Duration::from_secs(2), "{took:?}");
    assert_eq!(result.unwrap_err().unwritten_events, 1);
}
