use std::{sync::Arc, thread, time::Duration};

use apikeys_core::{
    BuildError, Clock, Denial, ManageError,
    conformance::faults::{Fault, FaultStore, Method},
    token::TokenFormat,
};
use futures_util::FutureExt;

use crate::support::{Bench, id, new_key, per_minute, poll_once};

fn faults() -> [Fault; 3] {
    [Fault::Error, Fault::Hang, Fault::Delay(Duration::from_secs(60))]
}

#[tokio::test]
async fn verification_is_unavailable_while_the_store_fails_and_works_again_afterwards() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    for fault in faults() {
        bench.faults.set(Method::Find, fault);
        let answer = bench.pass_time_until(bench.call(&created.secret)).await;
        assert_eq!(answer, Err(Denial::VerificationUnavailable), "{fault:?}");
        bench.faults.clear();
        assert_eq!(bench.call(&created.secret).await, Ok(()));
    }
    // A result within the store timeout is accepted.
    bench.faults.once(Method::Find, Fault::Delay(Duration::from_millis(100)));
    assert_eq!(bench.pass_time_until(bench.call(&created.secret)).await, Ok(()));
}

#[tokio::test]
async fn unknown_key_is_unavailable_while_the_stored_schemes_cannot_be_read() {
    let bench = Bench::new().await;
    let stranger = TokenFormat::new("test_key".parse().unwrap())
        .generate(&apikeys_core::entropy::OsEntropy::new())
        .unwrap();
    for fault in faults() {
        bench.faults.set(Method::Schemes, fault);
        let answer = bench.pass_time_until(bench.call(&stranger)).await;
        assert_eq!(answer, Err(Denial::VerificationUnavailable), "{fault:?}");
        bench.faults.clear();
        assert_eq!(bench.call(&stranger).await, Err(Denial::Invalid));
    }
}

#[tokio::test]
async fn hanging_lookups_do_not_extend_the_timeout_of_waiting_lookups() {
    let bench = Bench::with(|builder| builder.max_concurrent_lookups(2)).await;
    let created = bench.create(new_key("CI")).await;
    bench.faults.set(Method::Find, Fault::Hang);
    let mut stuck: Vec<_> = (0..5).map(|_| Box::pin(bench.call(&created.secret))).collect();
    for call in &mut stuck {
        assert!(poll_once(call.as_mut()).await.is_pending());
    }
    let answers = bench.pass_time_until(futures_util::future::join_all(stuck)).await;
    assert!(answers.iter().all(|answer| *answer == Err(Denial::VerificationUnavailable)));
    bench.faults.clear();
    assert_eq!(bench.call(&created.secret).await, Ok(()));
}

#[tokio::test]
async fn unwritable_log_makes_requests_wait_and_then_refuses_them() {
    // The timeout is longer than a hanging write and the pause before the next write together.
    let timeout = Duration::from_secs(10);
    let mut bench = Bench::with(|builder| builder.buffer_capacity(3).buffer_timeout(timeout)).await;
    let created = bench.create(new_key("CI")).await;
    bench.maintain().await;
    for fault in faults() {
        bench.faults.set(Method::Record, fault);
        let before = bench.manage().get(id(&created)).await.unwrap().request_count();
        for _ in 0..3 {
            assert_eq!(bench.call(&created.secret).await, Ok(()), "there was room");
        }
        assert_eq!(bench.keys.health().buffered_events, 3);
        let refused = bench.pass_time_until(bench.call(&created.secret)).await;
        assert_eq!(refused, Err(Denial::AuditUnavailable { after_handler: false }), "{fault:?}");
        // A request that is waiting when the store is available again is admitted.
        let mut waiting = Box::pin(bench.call(&created.secret));
        let waits = poll_once(waiting.as_mut()).await;
        assert!(waits.is_pending(), "{fault:?}: {waits:?} {:?}", bench.keys.health());
        bench.faults.clear();
        let began = bench.clock.monotonic();
        assert_eq!(bench.pass_time_until(waiting).await, Ok(()), "{fault:?}");
        let waited = bench.clock.monotonic().saturating_since(began);
        assert!(waited < timeout, "{fault:?}: waited {waited:?}");
        bench.clock.advance(Duration::from_secs(10)).await;
        assert_eq!(bench.keys.health().buffered_events, 0);
        assert!(bench.keys.health().flush_failure.is_none());
        let after = bench.manage().get(id(&created)).await.unwrap().request_count();
        assert_eq!(after - before, 4, "{fault:?}");
        bench.clock.advance(Duration::from_secs(60)).await;
    }
}

#[tokio::test]
async fn large_buffer_that_many_threads_fill_never_exceeds_its_capacity_and_counts_each_request() {
    const CAPACITY: usize = 2_000;
    let mut bench = Bench::with(|builder| {
        builder.buffer_capacity(CAPACITY).batch_size(10 * CAPACITY).buffer_timeout(Duration::ZERO)
    })
    .await;
    let created = bench.create(new_key("CI").rate_limit(per_minute(10_000))).await;
    bench.maintain().await;
    bench.faults.set(Method::Record, Fault::Error);
    // The engine counts the requests of a thread several at a time.
    let requests = |most: usize| {
        (0..most).take_while(|_| bench.call(&created.secret).now_or_never() == Some(Ok(()))).count()
    };
    let mut admitted = 0;
    for _ in 0..40 {
        admitted += thread::scope(|scope| scope.spawn(|| requests(15)).join().unwrap());
        assert_eq!(bench.keys.health().buffered_events, admitted);
    }
    admitted += requests(2 * CAPACITY);
    // The denial of the last request waits beside the buffer.
    assert_eq!(bench.keys.health().buffered_events, admitted + 1);
    assert!((CAPACITY * 3 / 4..=CAPACITY).contains(&admitted), "{admitted} of {CAPACITY}");
    bench.faults.clear();
    assert_eq!(bench.count(id(&created)).await, u64::try_from(admitted).unwrap());
    assert_eq!(bench.keys.health().buffered_events, 0);
    assert_eq!(requests(CAPACITY / 2), CAPACITY / 2, "there is room again");
}

#[tokio::test]
async fn denial_for_a_full_buffer_consumes_nothing_of_the_rate_limit() {
    let bench = Bench::with(|builder| builder.buffer_capacity(1).buffer_timeout(Duration::ZERO)).await;
    let created = bench.create(new_key("CI")).await;
    bench.faults.set(Method::Record, Fault::Error);
    assert_eq!(bench.call(&created.secret).await, Ok(()));
    for _ in 0..10 {
        let refused = bench.pass_time_until(bench.call(&created.secret)).await;
        assert_eq!(refused, Err(Denial::AuditUnavailable { after_handler: false }));
    }
    bench.faults.clear();
    bench.keys.flush().await.unwrap();
    assert_eq!(bench.verify(&created.secret).await.unwrap().key().rate().remaining, 58);
}

#[tokio::test]
async fn build_fails_while_the_store_does_not_answer() {
    let bench = Bench::new().await;
    for fault in faults() {
        let failing = FaultStore::new(bench.store.clone(), Arc::new(bench.clock.clone()));
        failing.faults().set(Method::Schemes, fault);
        let builder = apikeys_core::ApiKeys::builder(failing).clock(bench.clock.clone());
        assert!(matches!(bench.pass_time_until(builder.build()).await, Err(BuildError::Store(_))));
    }
}

#[tokio::test]
async fn store_error_names_the_operation_that_failed() {
    let bench = Bench::new().await;
    bench.faults.set(Method::Keys, Fault::Error);
    let Err(ManageError::Store(error)) = bench.manage().list(1, None).await else { panic!("a store error") };
    assert_eq!(error.operation(), "keys");
    assert_eq!(error.to_string(), "the operation `keys` failed because the store is unavailable");
}

#[tokio::test]
async fn hanging_log_does_not_delay_the_sweep_of_idle_keys() {
    let mut bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    bench.maintain().await;
    bench.clock.advance(Duration::from_millis(1)).await;
    bench.call(&created.secret).await.unwrap();
    bench.faults.set(Method::Record, Fault::Hang);
    assert_eq!(bench.keys.health().live_keys, 1);
    bench.clock.advance(Duration::from_secs(300)).await;
    assert_eq!(bench.keys.health().live_keys, 0);
    assert_eq!(bench.keys.health().buffered_events, 1);
    assert!(bench.keys.health().flush_failure.is_some());
}

#[tokio::test]
async fn full_buffer_without_maintenance_is_written_by_the_next_request() {
    let bench = Bench::with(|builder| builder.buffer_capacity(2)).await;
    let created = bench.create(new_key("CI")).await;
    bench.faults.set(Method::Record, Fault::Error);
    for _ in 0..2 {
        bench.call(&created.secret).await.unwrap();
    }
    assert!(bench.pass_time_until(bench.call(&created.secret)).await.is_err());
    bench.faults.clear();
    assert_eq!(bench.call(&created.secret).await, Ok(()));
    assert_eq!(bench.count(id(&created)).await, 3);
}

#[tokio::test]
async fn reads_of_schemes_are_bounded_like_lookups() {
    let bench = Bench::with(|builder| builder.max_concurrent_lookups(2)).await;
    let stranger = TokenFormat::new("test_key".parse().unwrap())
        .generate(&apikeys_core::entropy::OsEntropy::new())
        .unwrap();
    bench.faults.set(Method::Schemes, Fault::Hang);
    let before = bench.faults.calls(Method::Schemes);
    let mut stuck: Vec<_> = (0..6).map(|_| Box::pin(bench.call(&stranger))).collect();
    for call in &mut stuck {
        assert!(poll_once(call.as_mut()).await.is_pending());
    }
    assert_eq!(bench.faults.calls(Method::Schemes) - before, 2, "as many as there may be lookups");
    let answers = bench.pass_time_until(futures_util::future::join_all(stuck)).await;
    assert!(answers.iter().all(|answer| *answer == Err(Denial::VerificationUnavailable)));
}

#[tokio::test]
async fn unknown_key_is_denied_within_one_store_timeout() {
    let bench = Bench::with(|builder| builder.store_timeout(Duration::from_secs(5))).await;
    let stranger = TokenFormat::new("test_key".parse().unwrap())
        .generate(&apikeys_core::entropy::OsEntropy::new())
        .unwrap();
    bench.faults.set(Method::Find, Fault::Delay(Duration::from_secs(4)));
    bench.faults.set(Method::Schemes, Fault::Hang);
    let start = bench.clock.monotonic();
    let answer = bench.pass_time_until(bench.call(&stranger)).await;
    assert_eq!(answer, Err(Denial::VerificationUnavailable));
    let took = bench.clock.monotonic().saturating_since(start);
    assert!(took <= Duration::from_secs(5), "{took:?}");
}
