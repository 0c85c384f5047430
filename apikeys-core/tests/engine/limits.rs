use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use apikeys_core::{ApiKeys, Denial, KeyPatch, RateLimited, http::Authenticator};
use proptest::prelude::*;

use crate::support::{Bench, actor, id, new_key, org, per_minute, plan, request};

#[tokio::test]
async fn limited_request_passes_after_retry_after_and_not_before() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI").rate_limit(per_minute(1))).await;
    for _ in 0..5 {
        assert_eq!(bench.call(&created.secret).await, Ok(()));
        bench.clock.advance(Duration::from_millis(17_300)).await;
        let Err(denial) = bench.call(&created.secret).await else { panic!("the limit is one") };
        let response = Authenticator::new(bench.keys.clone()).refusal(&denial);
        let seconds: u64 = response.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds));
        bench.clock.advance(Duration::from_secs(seconds - 2)).await;
        assert!(matches!(bench.call(&created.secret).await, Err(Denial::RateLimited(_))));
        bench.clock.advance(Duration::from_secs(2)).await;
    }
}

#[tokio::test]
async fn denied_requests_consume_nothing_of_the_rate_limit() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI").rate_limit(per_minute(2))).await;
    bench.manage().deactivate(id(&created)).await.unwrap();
    for _ in 0..10 {
        assert_eq!(bench.call(&created.secret).await, Err(Denial::Deactivated));
    }
    bench.manage().activate(id(&created)).await.unwrap();
    bench.set_plan("free").await;
    for _ in 0..10 {
        assert_eq!(bench.call(&created.secret).await, Err(Denial::PlanWithoutAccess));
    }
    bench.set_plan("enterprise").await;
    assert_eq!(bench.call(&created.secret).await, Ok(()));
    assert_eq!(bench.verify(&created.secret).await.unwrap().key().rate().remaining, 0);
    for _ in 0..10 {
        assert!(matches!(bench.call(&created.secret).await, Err(Denial::RateLimited(_))));
    }
    bench.clock.advance(Duration::from_secs(60)).await;
    assert_eq!(bench.call(&created.secret).await, Ok(()));
}

#[tokio::test]
async fn edited_limit_applies_at_once_and_keeps_the_admissions() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI").rate_limit(per_minute(10))).await;
    let edit = |patch: KeyPatch| {
        let manage = bench.manage();
        let key = id(&created);
        async move { manage.update(key, patch).await.unwrap() }
    };
    for _ in 0..5 {
        bench.call(&created.secret).await.unwrap();
    }
    edit(KeyPatch::new().rate_limit(per_minute(3))).await;
    assert!(matches!(bench.call(&created.secret).await, Err(Denial::RateLimited(_))));
    // Deactivating, activating and a higher limit do not reset the five counted requests.
    bench.manage().deactivate(id(&created)).await.unwrap();
    bench.manage().activate(id(&created)).await.unwrap();
    assert!(matches!(bench.call(&created.secret).await, Err(Denial::RateLimited(_))));
    edit(KeyPatch::new().rate_limit(per_minute(7))).await;
    assert_eq!(bench.verify(&created.secret).await.unwrap().key().rate().remaining, 1);
    let default = edit(KeyPatch::new().default_rate_limit()).await;
    assert_eq!(default.effective_rate_limit(), per_minute(60));
    assert_eq!(bench.verify(&created.secret).await.unwrap().key().rate().remaining, 53);
}

#[tokio::test]
async fn wall_clock_that_jumps_does_not_change_rate_limits() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI").rate_limit(per_minute(2))).await;
    let day = "2030-06-01T12:00:00Z".parse::<apikeys_core::Timestamp>().unwrap();
    bench.clock.set_wall(day);
    bench.call(&created.secret).await.unwrap();
    bench.clock.set_wall(day.saturating_add(Duration::from_secs(3_600)));
    bench.call(&created.secret).await.unwrap();
    bench.clock.set_wall(day.saturating_sub(Duration::from_secs(3_600)));
    let Err(Denial::RateLimited(RateLimited { retry_after, .. })) = bench.call(&created.secret).await else {
        panic!("the limit is two")
    };
    assert_eq!(retry_after, Duration::from_secs(60));
    bench.clock.advance(Duration::from_secs(60)).await;
    assert_eq!(bench.call(&created.secret).await, Ok(()));
}

#[tokio::test]
async fn sweep_keeps_a_window_until_it_is_empty() {
    let mut bench = Bench::new().await;
    let created = bench.create(new_key("CI").rate_limit(per_minute(2))).await;
    bench.maintain().await;
    bench.clock.advance(Duration::from_secs(30)).await;
    bench.call(&created.secret).await.unwrap();
    bench.call(&created.secret).await.unwrap();
    // The maintenance drops idle windows at second 60, which is within this time.
    bench.clock.advance(Duration::from_millis(59_999)).await;
    assert!(matches!(bench.call(&created.secret).await, Err(Denial::RateLimited(_))));
    bench.clock.advance(Duration::from_millis(1)).await;
    assert_eq!(bench.call(&created.secret).await, Ok(()));
    bench.clock.advance(Duration::from_secs(300)).await;
    assert_eq!(bench.keys.health().live_keys, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_requests_pass_up_to_exactly_the_limit() {
    let keys = ApiKeys::in_memory();
    keys.operator(actor()).set_plan(&org("org"), &plan("enterprise")).await.unwrap();
    for _ in 0..50 {
        let new = new_key("CI").rate_limit(per_minute(31));
        let created = keys.manage(org("org"), actor()).create(new).await.unwrap();
        let secret = Arc::new(created.secret);
        for _ in 0..30 {
            keys.verify(secret.expose().as_bytes(), request()).await.unwrap().finish(200).await.unwrap();
        }
        let tasks: Vec<_> = (0..30)
            .map(|_| {
                let (keys, secret) = (keys.clone(), Arc::clone(&secret));
                tokio::spawn(async move { keys.verify(secret.expose().as_bytes(), request()).await.is_ok() })
            })
            .collect();
        let mut admitted = 0;
        for task in tasks {
            admitted += u32::from(task.await.unwrap());
        }
        assert_eq!(admitted, 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// For any schedule with several tasks and changing limits: the requests admitted in a minute never
    /// exceed the limit of the last of them, and no request within the limit is refused.
    #[test]
    fn engine_admits_like_a_list_of_times(
        steps in prop::collection::vec((prop_oneof![Just(0_u64), 0_u64..20_000_000, 30_000_000_u64..70_000_000], 1_u32..6, 1_usize..6), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new().await;
            let created = bench.create(new_key("CI").rate_limit(per_minute(5))).await;
            let times: Mutex<Vec<u64>> = Mutex::default();
            let mut now = 0;
            for (step, limit, tasks) in steps {
                bench.clock.advance(Duration::from_micros(step)).await;
                now += step;
                bench.manage().update(id(&created), KeyPatch::new().rate_limit(per_minute(limit))).await.unwrap();
                let asked = (0..tasks).map(|_| bench.verify(&created.secret));
                for answer in futures_util::future::join_all(asked).await {
                    let mut times = times.lock().unwrap();
                    let used = times.iter().filter(|at| now - **at < 60_000_000).count();
                    match answer {
                        Ok(_) => {
                            assert!(used < limit as usize, "{used} of {limit} were used");
                            times.push(now);
                        }
                        Err(Denial::RateLimited(_)) => assert!(used >= limit as usize, "refused at {used} of {limit}"),
                        Err(other) => panic!("{other:?}"),
                    }
                }
            }
        });
    }
}
