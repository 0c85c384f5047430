use std::time::Duration;

use apikeys_core::{
    ApiKeys, Clock, Denial, DenialCode,
    audit::{Action, Outcome},
    conformance::faults::{Fault, Method},
    store::AuditQuery,
};

use crate::support::{Bench, actor, id, new_key, org, per_minute, plan, poll_once, request};

#[tokio::test]
async fn flood_of_denials_makes_sixty_events_and_one_with_the_count() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI").rate_limit(per_minute(1))).await;
    bench.call(&created.secret).await.unwrap();
    for n in 0..1_000 {
        bench.call(&created.secret).await.unwrap_err();
        if n % 100 == 0 {
            bench.keys.flush().await.unwrap();
        }
    }
    let events = bench.requests().await;
    let denied: Vec<_> = events
        .iter()
        .map(|event| event.request().unwrap())
        .filter(|r| r.outcome == Outcome::Denied)
        .collect();
    assert_eq!(denied.len(), 61);
    assert_eq!(denied.iter().map(|record| record.requests()).sum::<u32>(), 1_000);
    assert!(
        denied
            .iter()
            .all(|record| record.denial == Some(DenialCode::RateLimited) && record.status == Some(429))
    );
    assert_eq!(bench.count(id(&created)).await, 1, "denials moved the counter");
}

#[tokio::test]
async fn recorded_denials_of_every_kind_add_up_over_many_minutes() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI").rate_limit(per_minute(10))).await;
    let (mut admitted, mut denied) = (0_u64, 0_u64);
    for round in 0..40 {
        match round % 3 {
            0 => bench.manage().deactivate(id(&created)).await.map(drop).unwrap(),
            1 => bench.manage().activate(id(&created)).await.map(drop).unwrap(),
            _ => bench.set_plan(if round % 2 == 0 { "free" } else { "enterprise" }).await,
        }
        for _ in 0..37 {
            match bench.call(&created.secret).await {
                Ok(()) => admitted += 1,
                Err(_) => denied += 1,
            }
        }
        bench.clock.advance(Duration::from_millis(7_700)).await;
        if round % 5 == 0 {
            bench.keys.flush().await.unwrap();
        }
    }
    let (mut on_the_log, mut refused) = (0, 0);
    for event in bench.requests().await {
        let record = event.request().unwrap();
        match record.outcome {
            Outcome::Denied => refused += u64::from(record.requests()),
            _ => on_the_log += 1,
        }
    }
    assert!(admitted >= 50 && denied > 500, "{admitted} {denied}");
    assert_eq!((on_the_log, refused), (admitted, denied));
    assert_eq!(bench.count(id(&created)).await, admitted);
}

#[tokio::test]
async fn denials_with_a_full_buffer_are_counted_in_bounded_memory() {
    let bench = Bench::with(|builder| builder.buffer_capacity(20).buffer_timeout(Duration::ZERO)).await;
    let created = bench.create(new_key("CI").rate_limit(per_minute(10_000))).await;
    bench.faults.set(Method::Record, Fault::Error);
    let mut admitted = 0;
    for _ in 0..500 {
        admitted += u32::from(bench.pass_time_until(bench.verify(&created.secret)).await.is_ok());
    }
    assert_eq!(admitted, 20);
    assert!(bench.keys.health().buffered_events <= 21, "{:?}", bench.keys.health());
    bench.faults.clear();
    let events = bench.requests().await;
    let denied = events
        .iter()
        .map(|event| event.request().unwrap())
        .filter(|record| record.outcome == Outcome::Denied);
    assert_eq!(denied.map(apikeys_core::audit::RequestRecord::requests).sum::<u32>(), 480);
    assert_eq!(bench.count(id(&created)).await, 20);
}

/// Requests that began in an earlier minute end at the same time as requests of the current minute.
#[tokio::test]
async fn denials_of_slow_requests_do_not_reset_the_rows_of_the_minute() {
    let bench = Bench::with(|builder| builder.max_concurrent_lookups(300)).await;
    let created = bench.create(new_key("CI")).await;
    bench.manage().deactivate(id(&created)).await.unwrap();
    let mut rounds = Vec::new();
    for _ in 0..300 {
        // The request begins in the first minute, and the store delays it until the second.
        bench.faults.once(Method::Find, Fault::Delay(Duration::from_secs(2)));
        let mut slow = Box::pin(bench.call(&created.secret));
        assert!(poll_once(slow.as_mut()).await.is_pending());
        rounds.push(slow);
    }
    bench.clock.set_wall(bench.clock.wall().saturating_add(Duration::from_secs(60)));
    bench.clock.advance(Duration::from_secs(2)).await;
    for slow in rounds {
        slow.await.unwrap_err();
        bench.call(&created.secret).await.unwrap_err();
    }
    let events = bench.requests().await;
    assert!(events.len() <= 60 + 60 + 2, "{} rows", events.len());
    assert_eq!(events.iter().map(|event| event.request().unwrap().requests()).sum::<u32>(), 600);
}

#[tokio::test]
async fn denied_request_without_maintenance_is_recorded_before_verify_returns() {
    let keys = ApiKeys::in_memory();
    keys.operator(actor()).set_plan(org("org"), plan("starter")).await.unwrap();
    let manage = keys.manage(org("org"), actor());
    let created = manage.create(new_key("CI")).await.unwrap();
    manage.deactivate(id(&created)).await.unwrap();
    let denial = keys.verify(created.secret.expose().as_bytes(), request()).await.unwrap_err();
    assert_eq!(denial, Denial::Deactivated);
    let page = manage.audit(AuditQuery::new(org("org"), 10).action(Action::Request)).await.unwrap();
    assert_eq!(page.items.len(), 1, "the denial is not on the log");
    assert_eq!(keys.health().buffered_events, 0);
}
