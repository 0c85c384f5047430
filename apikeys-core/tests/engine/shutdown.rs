use std::time::Duration;

use apikeys_core::{
    Denial,
    audit::Outcome,
    conformance::faults::{Fault, Method},
};

use crate::support::{Bench, id, new_key, outcomes, poll_once};

#[tokio::test]
async fn a_shutdown_refuses_new_requests_waits_for_those_under_way_and_writes_them() {
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
    // The log holds what was begun first, first.
    assert_eq!(
        outcomes(&bench.requests().await),
        [(Outcome::Answered, Some(202)), (Outcome::Answered, Some(200))]
    );
}

#[tokio::test]
async fn a_shutdown_tries_for_a_while_and_tells_what_it_could_not_write() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    bench.faults.set(Method::Record, Fault::Error);
    bench.call(&created.secret).await.unwrap();
    let error = bench.pass_time_until(bench.keys.shutdown()).await.unwrap_err();
    assert_eq!(error.unrecorded, 1);
    bench.faults.clear();
    bench.keys.shutdown().await.unwrap();
    assert_eq!(bench.count(id(&created)).await, 1);
}

#[tokio::test]
async fn a_store_that_is_back_in_time_loses_nothing() {
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
async fn maintenance_that_is_dropped_loses_nothing() {
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
