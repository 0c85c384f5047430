//! Limiters that count for several instances, and instances that count for themselves.

use std::time::Duration;

use apikeys_core::{
    ApiKeys, Clock, Limiter, ManualClock, MemoryStore, RateStatus,
    clock::Monotonic,
    conformance::faults::Method,
    engine::Health,
    limiter::{Acquisition, Charge, LimiterState, Verdict},
};

use crate::{
    log::CapturedLog,
    support::{Bench, new_key},
};

/// Admits every request, as a server with much room would, and counts nothing in the windows of the process.
#[derive(Debug)]
struct Server;

impl Limiter for Server {
    fn acquire<'a>(&'a self, _: Monotonic, _: &'a dyn Clock, charges: &'a [Charge<'a>]) -> Acquisition<'a> {
        Acquisition::Later(Box::pin(async {
            tokio::task::yield_now().await;
            Verdict::Admitted(RateStatus::new(charges[0].limit, 7, Duration::from_secs(9)))
        }))
    }

    fn state(&self) -> LimiterState {
        LimiterState::Shared
    }
}

#[tokio::test]
async fn key_whose_requests_a_server_counts_stays_in_memory_while_it_is_used() {
    let mut bench = Bench::with(|builder| builder.limiter(Server)).await;
    let secret = bench.create(new_key("CI")).await.secret;
    bench.maintain().await;
    bench.clock.advance(Duration::from_secs(1)).await;
    bench.call(&secret).await.unwrap();
    let before = bench.faults.calls(Method::Find);
    for _ in 0..30 {
        bench.clock.advance(Duration::from_secs(20)).await;
        bench.call(&secret).await.unwrap();
    }
    assert_eq!(bench.faults.calls(Method::Find), before, "a key in use was read again");
    bench.clock.advance(Duration::from_secs(180)).await;
    let health = bench.keys.health();
    assert_eq!((health.cached_secrets, health.live_keys), (0, 0), "a key that is not used stays in memory");
}

/// Runs two engines on one store, the second one with `limiter`, and returns the states of both after two minutes.
async fn two_instances(limiter: Option<Server>) -> [Health; 2] {
    let (store, clock) = (MemoryStore::new(), ManualClock::default());
    let mut instances = Vec::new();
    for _ in 0..2 {
        let mut builder = ApiKeys::builder(store.clone()).clock(clock.clone());
        if limiter.is_some() {
            builder = builder.limiter(Server);
        }
        let (keys, maintenance) = builder.build().await.unwrap();
        tokio::spawn(maintenance.run());
        clock.advance(Duration::from_secs(3)).await;
        assert!(keys.health().cache_in_use);
        instances.push(keys);
    }
    assert!(
        instances.iter().all(|keys| !keys.health().instances_limit_alone),
        "the engine looks once a minute"
    );
    clock.advance(Duration::from_secs(180)).await;
    let states = [instances[0].health(), instances[1].health()];
    instances.pop().unwrap().shutdown().await.unwrap();
    clock.advance(Duration::from_secs(120)).await;
    assert!(!instances[0].health().instances_limit_alone, "the other instance has ended");
    states
}

#[tokio::test]
async fn earlier_of_two_instances_that_limit_alone_warns_once() {
    let log = CapturedLog::start();
    let states = two_instances(None).await;
    assert_eq!(
        states.map(|health| (health.limiter, health.instances_limit_alone)),
        [(LimiterState::Local, true), (LimiterState::Local, false)]
    );
    let lines = log.take();
    assert_eq!(
        lines.iter().filter(|line| line.contains("another instance uses the same store")).count(),
        1,
        "{lines:#?}"
    );
}

#[tokio::test]
async fn instances_with_a_shared_limiter_do_not_warn() {
    let log = CapturedLog::start();
    let states = two_instances(Some(Server)).await;
    assert_eq!(
        states.map(|health| (health.limiter, health.instances_limit_alone)),
        [(LimiterState::Shared, false), (LimiterState::Shared, false)]
    );
    assert_eq!(log.take(), [""; 0]);
}
