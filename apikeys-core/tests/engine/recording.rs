use std::{sync::Arc, time::Duration};

use apikeys_core::{
    ApiKeys, AuditEvent, Clock, ManualClock, MemoryStore, RequestMeta,
    audit::{Action, Detail, Outcome},
    conformance::faults::{Fault, FaultStore, Method},
    store::{AuditQuery, UsagePoint, UsageStep},
};

use crate::{
    picky::Picky,
    support::{Bench, actor, id, new_key, org, outcomes, per_minute, plan, poll_once},
};

#[tokio::test]
async fn every_request_is_on_the_log_with_what_became_of_it() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    let meta = RequestMeta::new("POST", "/v1/items?x=1")
        .with_client_ip("10.1.2.3".parse().ok())
        .with_user_agent(b"curl/8");
    let began = bench.clock.wall();
    let admission = bench.keys.verify(created.secret.expose().as_bytes(), meta.clone()).await.unwrap();
    bench.clock.advance(Duration::from_millis(12)).await;
    admission.finish(201).await.unwrap();
    drop(bench.verify(&created.secret).await.unwrap());
    let events = bench.requests().await;
    assert_eq!(outcomes(&events), [(Outcome::Answered, Some(201)), (Outcome::Aborted, None)]);
    let first = events[0].request().unwrap();
    assert_eq!((events[0].at, events[0].key, &events[0].org), (began, Some(id(&created)), &org("org")));
    assert_eq!((first.latency, first.denial.clone(), first.count), (Duration::from_millis(12), None, None));
    assert_eq!((first.meta.method(), first.meta.path()), ("POST", "/v1/items"));
    assert_eq!((first.meta.client_ip(), first.meta.user_agent()), (meta.client_ip(), Some("curl/8")));
    let ids: Vec<_> =
        events.iter().map(|event| event.request().unwrap().meta.request_id().unwrap().to_string()).collect();
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 32), "{ids:?}");
    let key = bench.manage().get(id(&created)).await.unwrap();
    assert_eq!((key.request_count(), key.last_used_at()), (2, Some(events[1].at)));
}

#[tokio::test]
async fn the_maintenance_writes_within_the_flush_interval_or_when_a_batch_is_full() {
    let mut bench = Bench::with(|builder| builder.batch_size(10)).await;
    let created = bench.create(new_key("CI")).await;
    bench.maintain().await;
    bench.clock.advance(Duration::from_millis(1)).await;
    for _ in 0..9 {
        bench.call(&created.secret).await.unwrap();
    }
    bench.clock.advance(Duration::ZERO).await;
    assert_eq!(bench.keys.health().buffered_events, 9, "written too early");
    bench.call(&created.secret).await.unwrap();
    bench.clock.advance(Duration::ZERO).await;
    assert_eq!(bench.keys.health().buffered_events, 0, "a full batch waits");
    bench.call(&created.secret).await.unwrap();
    bench.clock.advance(Duration::from_millis(100)).await;
    assert_eq!(bench.keys.health().buffered_events, 0, "the interval has passed");
    assert_eq!(bench.manage().get(id(&created)).await.unwrap().request_count(), 11);
}

#[tokio::test]
async fn without_maintenance_the_response_waits_for_its_event() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    bench.call(&created.secret).await.unwrap();
    assert_eq!(bench.keys.health().buffered_events, 0);
    assert!(!bench.keys.health().maintained);
    assert_eq!(bench.manage().get(id(&created)).await.unwrap().request_count(), 1);
}

#[tokio::test]
async fn a_client_that_leaves_while_its_event_is_written_keeps_its_status() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    bench.faults.set(Method::Record, Fault::Hang);
    let mut finish = Box::pin(bench.verify(&created.secret).await.unwrap().finish(204));
    assert!(poll_once(finish.as_mut()).await.is_pending());
    drop(finish);
    bench.faults.clear();
    assert_eq!(outcomes(&bench.requests().await), [(Outcome::Answered, Some(204))]);
}

#[tokio::test]
async fn a_batch_whose_answer_was_lost_is_counted_once() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    for _ in 0..3 {
        bench.faults.once(Method::Record, Fault::AfterCommit);
        bench.call(&created.secret).await.unwrap();
        assert_eq!(bench.keys.health().buffered_events, 1);
        bench.call(&created.secret).await.unwrap();
    }
    assert_eq!(bench.count(id(&created)).await, 6);
    assert_eq!(bench.requests().await.len(), 6);
}

#[tokio::test]
async fn a_flush_that_is_dropped_half_way_is_taken_up_by_the_next() {
    let bench = Bench::with(|builder| builder.batch_size(4)).await;
    let created = bench.create(new_key("CI")).await;
    bench.faults.set(Method::Record, Fault::Hang);
    for _ in 0..10 {
        let mut finish = Box::pin(bench.verify(&created.secret).await.unwrap().finish(200));
        assert!(poll_once(finish.as_mut()).await.is_pending());
    }
    bench.faults.clear();
    assert_eq!(bench.count(id(&created)).await, 10);
    assert_eq!(bench.requests().await.len(), 10);
    assert_eq!(bench.keys.health().buffered_events, 0);
}

#[tokio::test]
async fn a_writer_the_store_has_forgotten_is_replaced() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    bench.call(&created.secret).await.unwrap();
    // A store that answers once as if it had lost count, as after a restored backup.
    bench.faults.once(Method::Record, Fault::Rejected);
    bench.call(&created.secret).await.unwrap();
    assert_eq!(bench.faults.calls(Method::OpenWriter), 2);
    assert_eq!(bench.count(id(&created)).await, 2);
    assert!(bench.requests().await.iter().all(|event| event.action == Action::Request));
}

#[tokio::test]
async fn one_event_the_store_never_takes_becomes_a_gap_and_blocks_nothing() {
    let refuses = |event: &AuditEvent| event.request().is_some_and(|record| record.meta.path() == "/poison");
    let picky = Picky { inner: MemoryStore::new(), refuses };
    let failing = FaultStore::new(picky, Arc::new(ManualClock::default()));
    let faults = failing.faults().clone();
    let (keys, _maintenance) = ApiKeys::builder(failing).build().await.unwrap();
    keys.operator(actor()).set_plan(&org("org"), &plan("enterprise")).await.unwrap();
    let manage = keys.manage(org("org"), actor());
    let created = manage.create(new_key("CI").rate_limit(per_minute(100))).await.unwrap();
    faults.set(Method::Record, Fault::Error);
    for n in 0..170 {
        let path = if n == 37 { "/poison".to_owned() } else { format!("/{n}") };
        if let Ok(admission) =
            keys.verify(created.secret.expose().as_bytes(), RequestMeta::new("GET", &path)).await
        {
            admission.finish(200).await.unwrap();
        }
    }
    faults.clear();
    keys.flush().await.unwrap();
    let page = manage.audit(AuditQuery::new(org("org"), 1_000).action(Action::AuditGap)).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].event.detail, Detail::Gap { lost: 1 });
    let page = manage.audit(AuditQuery::new(org("org"), 1_000).action(Action::Request)).await.unwrap();
    let requests = page.items.iter().map(|entry| entry.event.request().unwrap());
    assert_eq!(page.items.len(), 99 + 61, "sixty denials have a row of their own, ten share one");
    assert_eq!(requests.map(apikeys_core::audit::RequestRecord::requests).sum::<u32>(), 169);
    assert_eq!(manage.get(id(&created)).await.unwrap().request_count(), 99);
    assert_eq!(keys.health().buffered_events, 0);
}

#[tokio::test]
async fn usage_shows_requests_and_denials_by_hour_and_day() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    let start = bench.clock.wall();
    for hour in 0..30_u64 {
        for _ in 0..=hour % 3 {
            bench.call(&created.secret).await.unwrap();
        }
        bench.manage().deactivate(id(&created)).await.unwrap();
        bench.call(&created.secret).await.unwrap_err();
        bench.manage().activate(id(&created)).await.unwrap();
        bench.clock.advance(Duration::from_secs(3_600)).await;
    }
    bench.keys.flush().await.unwrap();
    let end = bench.clock.wall();
    let hours = bench.manage().usage(id(&created), start, end, UsageStep::Hour).await.unwrap();
    assert_eq!(hours.len(), 30);
    assert_eq!(hours[2], UsagePoint::new(start.saturating_add(Duration::from_secs(7_200)), 3, 1));
    let days = bench.manage().usage(id(&created), start, end, UsageStep::Day).await.unwrap();
    assert_eq!(days.iter().map(|day| (day.requests, day.denied)).collect::<Vec<_>>(), [(48, 24), (12, 6)]);
}
