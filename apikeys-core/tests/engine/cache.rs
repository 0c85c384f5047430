//! Keys in memory: when they are used, and when the store is read.

use std::{
    cell::Cell,
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use apikeys_core::{
    Builder, Denial, ManageError, Secret,
    conformance::faults::{Fault, Method},
    store::{KeyStore, Revision, StoreErrorKind},
};
use futures_util::FutureExt;

use crate::support::{Bench, new_key, per_minute, poll_once, request};

const LEASE: Duration = Duration::from_secs(2);

/// An engine with a running maintenance, and a key that was verified.
struct World {
    bench: Bench,
    secret: Secret,
}

impl World {
    async fn new(adjust: impl FnOnce(Builder) -> Builder) -> Self {
        let mut bench = Bench::with(adjust).await;
        let secret = bench.create(new_key("CI").rate_limit(per_minute(10_000))).await.secret;
        bench.maintain().await;
        bench.clock.advance(Duration::from_secs(1)).await;
        bench.call(&secret).await.unwrap();
        Self { bench, secret }
    }

    async fn with_cache() -> Self {
        let world = Self::new(|builder| builder.cache_lease(LEASE)).await;
        assert!(world.bench.keys.health().cache_in_use);
        world
    }

    async fn verify(&self) -> Result<(), Denial> {
        self.bench.call(&self.secret).await
    }

    /// Verifies without waiting. Returns `None` if the verification waits.
    fn verify_at_once(&self) -> Option<Result<(), Denial>> {
        self.verify().now_or_never()
    }
}

#[tokio::test]
async fn key_in_memory_is_verified_without_the_store() {
    let world = World::with_cache().await;
    let before = world.bench.faults.calls(Method::Find);
    for _ in 0..50 {
        assert_eq!(world.verify_at_once(), Some(Ok(())));
    }
    assert_eq!(world.bench.faults.calls(Method::Find), before);
    assert_eq!(world.bench.keys.health().cached_secrets, 1);
}

#[tokio::test]
async fn verification_is_decided_at_once_only_if_nothing_must_wait() {
    let world = World::with_cache().await;
    let other = world.bench.create(new_key("other")).await.secret;
    let (keys, finds) = (world.bench.keys.clone(), || world.bench.faults.calls(Method::Find));
    let (before, started) = (finds(), Cell::new(0));
    let describe = || {
        started.set(started.get() + 1);
        request()
    };
    let now = |secret: &[u8]| keys.verify_now(secret, describe);
    let admission = now(world.secret.expose().as_bytes()).unwrap().unwrap();
    assert_eq!(admission.key().key_name().as_str(), "CI");
    admission.finish(200).await.unwrap();
    assert_eq!(now(b"test_key_guess").unwrap().unwrap_err(), Denial::Invalid);
    assert_eq!((finds(), started.get()), (before, 1), "the store was read, or a wrong secret was described");
    // The key is not in the cache. Until the verification is polled, nothing is read or counted.
    drop(now(other.expose().as_bytes()).unwrap_err());
    drop(keys.verify(world.secret.expose().as_bytes(), request()));
    assert_eq!(finds(), before);
    now(other.expose().as_bytes()).unwrap_err().await.unwrap().finish(200).await.unwrap();
    assert_eq!(finds(), before + 1);
    keys.flush().await.unwrap();
    let mut counts = Vec::new();
    for key in world.bench.manage().list(10, None).await.unwrap().items {
        counts.push((key.name().as_str().to_owned(), key.request_count()));
    }
    counts.sort();
    assert_eq!(counts, [("CI".to_owned(), 2), ("other".to_owned(), 1)]);
}

#[tokio::test]
async fn request_whose_description_panics_is_not_counted() {
    let world = World::with_cache().await;
    let secret = world.secret.expose().as_bytes();
    let remaining = || {
        let admission = world.bench.keys.verify_now(secret, request).unwrap().unwrap();
        admission.key().rate().remaining
    };
    let before = remaining();
    let panics = || drop(world.bench.keys.verify_now(secret, || panic!("the caller's function")));
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert_eq!(remaining(), before - 1, "the request took a place in the rate limit, but has no event");
}

#[tokio::test]
async fn change_whose_wait_is_rejected_is_reported_as_possibly_made() {
    let world = World::with_cache().await;
    let manage = world.bench.manage();
    let key = manage.list(10, None).await.unwrap().items[0].id();
    for method in [Method::Behind, Method::Revision] {
        world.bench.faults.once(method, Fault::Rejected);
        // The first call changes the key. The second call finds nothing to change.
        let Err(ManageError::Store(error)) = manage.deactivate(key).await else {
            panic!("the wait succeeded without an answer to {method:?}")
        };
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}");
        assert!(error.source().is_some());
        assert_eq!(world.verify().await, Err(Denial::Deactivated));
    }
}

#[tokio::test]
async fn engine_that_was_shut_down_during_a_poll_has_no_lease_and_is_not_registered() {
    let world = World::with_cache().await;
    let store = world.bench.store.clone();
    let latest = store.coherence().unwrap().revision().await.unwrap();
    let late = Revision(latest.0 + 1);
    assert_eq!(store.coherence().unwrap().behind(late).await.unwrap().len(), 1, "the engine is registered");
    // A poll is answered at the same time at which the events are written, and the shutdown goes on.
    world.bench.faults.set(Method::Poll, Fault::Delay(LEASE / 8));
    world.bench.faults.set(Method::Record, Fault::Delay(LEASE / 8));
    world.bench.clock.advance(LEASE / 4).await;
    world.verify().await.unwrap();
    let mut shutdown = Box::pin(world.bench.keys.shutdown());
    assert!(poll_once(shutdown.as_mut()).await.is_pending());
    let ((), ended) = tokio::join!(world.bench.clock.advance(LEASE / 8), shutdown);
    ended.unwrap();
    world.bench.clock.advance(LEASE).await;
    assert_eq!(store.coherence().unwrap().behind(late).await.unwrap(), []);
    assert!(!world.bench.keys.health().cache_in_use);
}

#[tokio::test]
async fn key_without_a_request_in_the_last_minute_leaves_the_memory() {
    let world = World::with_cache().await;
    world.bench.clock.advance(Duration::from_secs(130)).await;
    let health = world.bench.keys.health();
    assert_eq!((health.cached_secrets, health.live_keys), (0, 0));
}

#[tokio::test]
async fn key_in_memory_works_until_the_lease_ends_while_the_store_is_away() {
    let world = World::with_cache().await;
    world.bench.faults.set_all(Fault::Error);
    let mut worked = Duration::ZERO;
    let step = Duration::from_millis(50);
    while world.verify_at_once() == Some(Ok(())) {
        world.bench.clock.advance(step).await;
        worked += step;
        assert!(worked <= LEASE, "the lease does not end");
    }
    // The last renewal was at most a quarter of the lease ago.
    assert!(worked >= LEASE / 4 * 3, "{worked:?}");
    for _ in 0..100 {
        assert_eq!(world.verify().await, Err(Denial::VerificationUnavailable));
        world.bench.clock.advance(step).await;
    }
    world.bench.faults.clear();
    world.bench.clock.advance(LEASE / 4).await;
    assert!(world.bench.keys.health().cache_in_use, "the instance has registered again");
    assert_eq!(world.verify().await, Ok(()));
    assert_eq!(world.verify_at_once(), Some(Ok(())));
}

#[tokio::test]
async fn store_that_takes_a_second_for_each_answer_delays_no_key_in_memory() {
    let world = World::with_cache().await;
    for method in Method::ALL {
        world.bench.faults.set(method, Fault::Delay(Duration::from_secs(1)));
    }
    for _ in 0..600 {
        world.bench.clock.advance(Duration::from_millis(50)).await;
        assert_eq!(world.verify_at_once(), Some(Ok(())), "at {:?}", world.bench.keys.clock().monotonic());
    }
}

#[tokio::test]
async fn idle_engine_polls_twice_a_second_and_writes_nothing() {
    let world = World::with_cache().await;
    world.bench.clock.advance(Duration::from_secs(2)).await;
    let before = Method::ALL.map(|method| world.bench.faults.calls(method));
    world.bench.clock.advance(Duration::from_secs(60)).await;
    for (method, before) in Method::ALL.into_iter().zip(before) {
        let calls = world.bench.faults.calls(method) - before;
        let most = match method {
            Method::Poll => 120,
            Method::Hint => 240,
            // Once a minute.
            Method::Purge | Method::Claim | Method::Behind => 1,
            _ => 0,
        };
        assert!(calls <= most, "{method}: {calls}");
    }
    assert!(world.bench.faults.calls(Method::Poll) >= 100);
}

#[tokio::test]
async fn engine_without_a_cache_reads_the_store_for_each_request_and_is_not_registered() {
    let world = World::new(Builder::without_cache).await;
    let before = world.bench.faults.calls(Method::Find);
    for _ in 0..10 {
        world.bench.clock.advance(Duration::from_secs(1)).await;
        assert_eq!(world.verify().await, Ok(()));
    }
    assert_eq!(world.bench.faults.calls(Method::Find) - before, 10);
    assert_eq!(world.bench.faults.calls(Method::Register), 0);
    assert!(!world.bench.keys.health().cache_in_use);
}
