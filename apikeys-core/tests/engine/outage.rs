use std::{sync::Arc, time::Duration};

use apikeys_core::{
    BuildError, Denial, ManageError,
    conformance::faults::{Fault, FaultStore, Method},
    token::TokenFormat,
};

use crate::support::{Bench, id, new_key, poll_once, request};

fn faults() -> [Fault; 3] {
    [Fault::Error, Fault::Hang, Fault::Delay(Duration::from_secs(60))]
}

/// Never a pass without verification, never a 401 for a key that could not be checked, and well
/// again without a restart.
#[tokio::test]
async fn a_store_that_fails_or_hangs_makes_verification_unavailable_and_no_more() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    for fault in faults() {
        bench.faults.set(Method::Find, fault);
        let answer = bench.pass_time_until(bench.call(&created.secret)).await;
        assert_eq!(answer, Err(Denial::VerificationUnavailable), "{fault:?}");
        bench.faults.clear();
        assert_eq!(bench.call(&created.secret).await, Ok(()));
    }
    // What the store did not answer in time is not believed later.
    bench.faults.once(Method::Find, Fault::Delay(Duration::from_millis(100)));
    assert_eq!(bench.pass_time_until(bench.call(&created.secret)).await, Ok(()));
}

#[tokio::test]
async fn an_unknown_key_is_not_called_invalid_while_the_store_cannot_say_what_it_holds() {
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
async fn look_ups_that_hang_do_not_let_others_hang_longer_than_they_would() {
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
async fn a_log_that_cannot_be_written_holds_requests_up_and_then_refuses_them() {
    let mut bench = Bench::with(|builder| builder.buffer_capacity(3)).await;
    let created = bench.create(new_key("CI")).await;
    bench.maintain().await;
    for fault in faults() {
        bench.faults.set(Method::Record, fault);
        let before = bench.manage().get(id(&created)).await.unwrap().request_count();
        for _ in 0..3 {
            assert_eq!(bench.call(&created.secret).await, Ok(()), "there was room");
        }
        let rate = bench.keys.health().buffered_events;
        assert_eq!(rate, 3);
        let refused = bench.pass_time_until(bench.call(&created.secret)).await;
        assert_eq!(refused, Err(Denial::AuditUnavailable { after_handler: false }), "{fault:?}");
        // One that waits gets in when there is room again.
        let mut waiting = Box::pin(bench.call(&created.secret));
        let waits = poll_once(waiting.as_mut()).await;
        assert!(waits.is_pending(), "{fault:?}: {waits:?} {:?}", bench.keys.health());
        bench.faults.clear();
        let mut answer = bench.pass_time_until(waiting).await;
        if answer.is_err() {
            bench.clock.advance(Duration::from_secs(10)).await;
            answer = bench.call(&created.secret).await;
        }
        assert_eq!(answer, Ok(()), "{fault:?}");
        bench.clock.advance(Duration::from_secs(10)).await;
        assert_eq!(bench.keys.health().buffered_events, 0);
        assert!(bench.keys.health().flush_failure.is_none());
        let after = bench.manage().get(id(&created)).await.unwrap().request_count();
        assert_eq!(after - before, 4, "{fault:?}");
        bench.clock.advance(Duration::from_secs(60)).await;
    }
}

#[tokio::test]
async fn a_refusal_for_want_of_room_consumes_nothing_of_the_limit() {
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
async fn every_management_call_reports_a_store_that_is_away_and_works_again_after() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    let key = id(&created);
    for fault in faults() {
        for method in [Method::Org, Method::Key, Method::Keys, Method::Commit, Method::Audit, Method::Usage] {
            bench.faults.set(method, fault);
            let manage = bench.manage();
            let failed = async {
                match method {
                    Method::Org => manage.quota().await.err(),
                    Method::Key => manage.get(key).await.err(),
                    Method::Keys => manage.list(10, None).await.err(),
                    Method::Commit => manage.create(new_key("x")).await.err(),
                    Method::Audit => manage
                        .audit(apikeys_core::store::AuditQuery::new(crate::support::org("org"), 1))
                        .await
                        .err(),
                    _ => {
                        let (since, until) = (apikeys_core::Timestamp::MIN, apikeys_core::Timestamp::MAX);
                        manage.usage(key, since, until, apikeys_core::store::UsageStep::Day).await.err()
                    }
                }
            };
            let error = bench.pass_time_until(failed).await;
            assert!(matches!(error, Some(ManageError::Store(_))), "{method:?} {fault:?}: {error:?}");
            bench.faults.clear();
            assert!(manage.get(key).await.is_ok());
        }
    }
    assert_eq!(bench.call(&created.secret).await, Ok(()));
}

#[tokio::test]
async fn an_engine_is_not_built_on_a_store_that_does_not_answer() {
    let bench = Bench::new().await;
    for fault in faults() {
        let failing = FaultStore::new(bench.store.clone(), Arc::new(bench.clock.clone()));
        failing.faults().set(Method::Schemes, fault);
        let builder = apikeys_core::ApiKeys::builder(failing).clock(bench.clock.clone());
        assert!(matches!(bench.pass_time_until(builder.build()).await, Err(BuildError::Store(_))));
    }
}

#[tokio::test]
async fn an_error_names_the_operation_and_nothing_that_was_asked() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    bench.faults.set(Method::Keys, Fault::Error);
    let error = bench.manage().list(1, None).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("keys"), "{text}");
    let _ = bench.keys.verify(created.secret.expose().as_bytes(), request()).await;
    assert!(!text.contains(&created.secret.expose()[13..]));
}

#[tokio::test]
async fn a_log_that_hangs_does_not_hold_up_the_sweep() {
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
async fn a_full_buffer_without_maintenance_is_written_by_the_next_request() {
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
