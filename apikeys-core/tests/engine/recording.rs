use std::{sync::Arc, time::Duration};

use apikeys_core::{
    ApiKeys, AuditEvent, Clock, KeyPatch, ManualClock, MemoryStore, RequestMeta,
    audit::{Action, Detail, Outcome},
    conformance::faults::{Fault, FaultStore, Faults, InterceptedStore, Method},
    engine::CreatedKey,
    store::{AuditQuery, StoreErrorKind, UsagePoint, UsageStep},
};

use crate::{
    selective_store::SelectiveStore,
    support::{Bench, actor, id, new_key, org, outcomes, per_minute, plan, poll_once},
};

#[tokio::test]
async fn every_admitted_request_is_recorded_with_its_outcome() {
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
async fn maintenance_writes_after_the_flush_interval_or_when_a_batch_is_full() {
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
async fn finish_without_maintenance_waits_until_the_event_is_written() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    bench.call(&created.secret).await.unwrap();
    assert_eq!(bench.keys.health().buffered_events, 0);
    assert!(!bench.keys.health().maintained);
    assert_eq!(bench.manage().get(id(&created)).await.unwrap().request_count(), 1);
}

#[tokio::test]
async fn finish_that_is_dropped_keeps_the_status_of_the_request() {
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
async fn batch_with_a_lost_answer_is_recorded_once() {
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
async fn flush_that_is_dropped_is_continued_by_the_next() {
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
async fn writer_that_the_store_has_forgotten_is_replaced() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    bench.call(&created.secret).await.unwrap();
    // The store rejects one batch, like a store that has lost the writer's last number after a restored
    // backup.
    bench.faults.once(Method::Record, Fault::Rejected);
    bench.call(&created.secret).await.unwrap();
    assert_eq!(bench.faults.calls(Method::OpenWriter), 2);
    assert_eq!(bench.count(id(&created)).await, 2);
    assert!(bench.requests().await.iter().all(|event| event.action == Action::Request));
}

/// An engine on a store that rejects some events, and a key with a limit of 100 requests a minute.
struct Selective {
    keys: ApiKeys,
    faults: Faults,
    created: CreatedKey,
}

impl Selective {
    async fn new(refuses: fn(&AuditEvent) -> Option<StoreErrorKind>) -> Self {
        let store = SelectiveStore { inner: MemoryStore::new(), refuses, scheme: None };
        let failing = FaultStore::new(InterceptedStore::new(store), Arc::new(ManualClock::default()));
        let faults = failing.faults().clone();
        let (keys, _maintenance) = ApiKeys::builder(failing).build().await.unwrap();
        keys.operator(actor()).set_plan(org("org"), plan("enterprise")).await.unwrap();
        let new = new_key("CI").rate_limit(per_minute(100));
        let created = keys.manage(org("org"), actor()).create(new).await.unwrap();
        Self { keys, faults, created }
    }

    /// Sends 170 requests, of which 70 exceed the limit, while the store is unavailable. Request 37 has the
    /// path `/refused`.
    async fn send(&self) {
        self.faults.set(Method::Record, Fault::Error);
        for n in 0..170 {
            let path = if n == 37 { "/refused".to_owned() } else { format!("/{n}") };
            let request = RequestMeta::new("GET", &path);
            if let Ok(admission) = self.keys.verify(self.created.secret.expose().as_bytes(), request).await {
                admission.finish(200).await.unwrap();
            }
        }
        self.faults.clear();
    }

    async fn events(&self, action: Action) -> Vec<AuditEvent> {
        let query = AuditQuery::new(org("org"), 1_000).action(action);
        let page = self.keys.manage(org("org"), actor()).audit(query).await.unwrap();
        page.items.into_iter().map(|entry| entry.event).collect()
    }
}

fn refused(event: &AuditEvent, kind: StoreErrorKind) -> Option<StoreErrorKind> {
    event.request().is_some_and(|record| record.meta.path() == "/refused").then_some(kind)
}

#[tokio::test]
async fn event_with_a_permanent_error_becomes_a_gap_and_the_others_are_recorded() {
    let kinds: [fn(&AuditEvent) -> Option<StoreErrorKind>; 3] = [
        |event| refused(event, StoreErrorKind::Rejected),
        |event| refused(event, StoreErrorKind::Corrupt),
        |event| refused(event, StoreErrorKind::Unsupported),
    ];
    for refuses in kinds {
        let bench = Selective::new(refuses).await;
        bench.send().await;
        bench.keys.flush().await.unwrap();
        let gaps = bench.events(Action::AuditGap).await;
        assert_eq!(gaps.len(), 1);
        assert_eq!(gaps[0].detail, Detail::Gap { lost: 1 });
        let requests = bench.events(Action::Request).await;
        assert_eq!(requests.len(), 99 + 61, "sixty denials have a row of their own, ten share one");
        assert_eq!(requests.iter().map(|event| event.request().unwrap().requests()).sum::<u32>(), 169);
        let key = bench.keys.manage(org("org"), actor()).get(id(&bench.created)).await.unwrap();
        assert_eq!(key.request_count(), 99);
        assert_eq!(bench.keys.health().buffered_events, 0);
    }
}

#[tokio::test]
async fn gap_that_cannot_be_written_either_does_not_hold_up_the_log() {
    let kinds: [fn(&AuditEvent) -> Option<StoreErrorKind>; 3] = [
        |event| {
            (event.action == Action::AuditGap)
                .then_some(StoreErrorKind::Rejected)
                .or_else(|| refused(event, StoreErrorKind::Rejected))
        },
        |event| {
            (event.action == Action::AuditGap)
                .then_some(StoreErrorKind::Corrupt)
                .or_else(|| refused(event, StoreErrorKind::Corrupt))
        },
        |event| {
            (event.action == Action::AuditGap)
                .then_some(StoreErrorKind::Unsupported)
                .or_else(|| refused(event, StoreErrorKind::Unsupported))
        },
    ];
    for refuses in kinds {
        let bench = Selective::new(refuses).await;
        bench.send().await;
        bench.keys.flush().await.unwrap();
        assert!(bench.events(Action::AuditGap).await.is_empty());
        assert_eq!(bench.events(Action::Request).await.len(), 99 + 61);
        assert_eq!(bench.keys.health().buffered_events, 0);
    }
}

#[tokio::test]
async fn store_that_refuses_everything_for_a_while_loses_no_event() {
    let bench = Bench::with(|builder| builder.buffer_capacity(50)).await;
    let created = bench.create(new_key("CI")).await;
    bench.faults.set(Method::Record, Fault::Rejected);
    for _ in 0..40 {
        bench.call(&created.secret).await.unwrap();
    }
    assert!(bench.keys.flush().await.is_err());
    assert_eq!(bench.keys.health().buffered_events, 40);
    bench.faults.clear();
    assert_eq!(outcomes(&bench.requests().await), vec![(Outcome::Answered, Some(200)); 40]);
    assert_eq!(bench.keys.health().buffered_events, 0);
    assert_eq!(bench.count(id(&created)).await, 40);
}

/// Events are ordered by their ids, and ids by the beginnings of the requests, even within one microsecond.
#[tokio::test]
async fn events_within_one_microsecond_are_in_the_order_in_which_they_happened() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    let first = bench.verify(&created.secret).await.unwrap();
    let second = bench.verify(&created.secret).await.unwrap();
    bench.manage().update(id(&created), KeyPatch::new().name("b".parse().unwrap())).await.unwrap();
    let third = bench.verify(&created.secret).await.unwrap();
    bench.manage().deactivate(id(&created)).await.unwrap();
    bench.verify(&created.secret).await.unwrap_err();
    third.finish(203).await.unwrap();
    second.finish(202).await.unwrap();
    first.finish(201).await.unwrap();
    let page = bench.manage().audit(AuditQuery::new(org("org"), 100)).await.unwrap();
    let story: Vec<_> = page
        .items
        .iter()
        .rev()
        .map(|entry| match entry.event.request() {
            Some(record) => record.status.unwrap().to_string(),
            None => entry.event.action.to_string(),
        })
        .collect();
    let wanted =
        ["plan.changed", "key.created", "201", "202", "key.updated", "203", "key.deactivated", "401"];
    assert_eq!(story, wanted);
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
