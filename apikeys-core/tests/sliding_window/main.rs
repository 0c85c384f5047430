//! The rate limit of a key is exact on several threads, while time passes and the limit is edited.
//!
//! Every decision is logged with its exact time and the limit that was applied. Afterwards, [`judge`]
//! compares the log with a simple list of times.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod clock;
mod judge;
mod witness;

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use apikeys_core::{
    Actor, ApiKeys, Denial, KeyPatch, MemoryStore, NewKey, OrgId, PlanName, RateLimit, RequestMeta, Secret,
    engine::KeyManager, id::KeyId,
};

use crate::{
    clock::{MovingClock, Random},
    judge::{Edit, Log, MINUTE, Request},
    witness::{Order, Witness},
};

const CALLERS: u64 = 6;
const REQUESTS: usize = 5_000;
const EDITS: usize = 400;

/// A key of an engine whose clock only the threads move, and the order of all requests and edits of the key.
struct Scene {
    keys: ApiKeys,
    manage: KeyManager,
    key: KeyId,
    secret: Secret,
    clock: MovingClock,
    order: Order,
    witness: Witness,
    edits_made: AtomicUsize,
    requests_made: AtomicUsize,
}

impl Scene {
    fn new(limit: u32) -> Self {
        let (clock, order, witness) = (MovingClock::new(), Order::default(), Witness::default());
        let builder = ApiKeys::builder(MemoryStore::new())
            .clock(clock.clone())
            .limiter(witness.clone())
            .buffer_capacity(usize::MAX);
        let (keys, _maintenance) = pollster::block_on(builder.build()).unwrap();
        let org = OrgId::new("org").unwrap();
        let plan = PlanName::new("enterprise").unwrap();
        pollster::block_on(keys.operator(Actor::new("billing").unwrap()).set_plan(&org, &plan)).unwrap();
        let manage = keys.manage(org, Actor::new("ann").unwrap());
        let new = NewKey::new("CI").unwrap().rate_limit(RateLimit::per_minute(limit).unwrap());
        let created = pollster::block_on(manage.create(new)).unwrap();
        Self {
            key: created.key.id(),
            secret: created.secret,
            keys,
            manage,
            clock,
            order,
            witness,
            edits_made: AtomicUsize::new(0),
            requests_made: AtomicUsize::new(0),
        }
    }

    /// Sends requests one after the other, and moves the clock between them. Continues until the other thread
    /// has made enough edits.
    fn call(&self, seed: u64) -> Vec<Request> {
        let mut random = Random::new(seed);
        let mut requests = Vec::new();
        let mut last_admitted = 0;
        while requests.len() < REQUESTS || self.edits_made.load(Ordering::SeqCst) < EDITS {
            self.clock.advance(random.step());
            if random.once_in(100) {
                // Each reading of the clock adds a microsecond, so the next readings pass the end of a
                // window.
                self.clock.advance_to(last_admitted + MINUTE - 8);
            }
            let (began, read) = (self.order.next(), self.clock.now());
            let meta = RequestMeta::new("GET", "/v1/items");
            let answer = pollster::block_on(self.keys.verify(self.secret.expose().as_bytes(), meta));
            let (ended, returned) = (self.order.next(), self.clock.now());
            let admitted = match answer {
                Ok(_) => true,
                Err(Denial::RateLimited(_)) => false,
                Err(other) => panic!("{other:?}"),
            };
            let decision = self.witness.last_of_this_thread();
            assert_eq!(decision.admitted, admitted);
            if admitted {
                last_admitted = decision.at;
            }
            requests.push(Request { began, ended, read, returned, decision });
            self.requests_made.fetch_add(1, Ordering::SeqCst);
        }
        requests
    }

    /// Changes the limit to random values, one edit after the other.
    fn edit(&self, seed: u64, callers_done: impl Fn() -> bool) -> Vec<Edit> {
        let mut random = Random::new(seed);
        let mut edits = Vec::new();
        while !callers_done() {
            let limit = random.between(1, 40);
            let patch = KeyPatch::new().rate_limit(RateLimit::per_minute(limit).unwrap());
            let called = self.order.next();
            pollster::block_on(self.manage.update(self.key, patch)).unwrap();
            edits.push(Edit { called, returned: self.order.next(), limit });
            self.edits_made.fetch_add(1, Ordering::SeqCst);
            // The callers send some requests between two edits, also if the machine has other work.
            let next =
                self.requests_made.load(Ordering::SeqCst) + usize::try_from(random.between(1, 50)).unwrap();
            while self.requests_made.load(Ordering::SeqCst) < next && !callers_done() {
                thread::yield_now();
            }
        }
        edits
    }
}

#[test]
fn decisions_on_several_threads_agree_with_a_list_of_times() {
    const FIRST_LIMIT: u32 = 10;
    let scene = Scene::new(FIRST_LIMIT);
    let start = scene.clock.now();
    let log = thread::scope(|scope| {
        let callers: Vec<_> = (1..=CALLERS)
            .map(|seed| {
                scope.spawn({
                    let scene = &scene;
                    move || scene.call(seed)
                })
            })
            .collect();
        let edits = scene.edit(99, || callers.iter().all(thread::ScopedJoinHandle::is_finished));
        let requests = callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
        Log { first_limit: FIRST_LIMIT, edits, requests }
    });
    let seen = log.judge();
    let minutes = Duration::from_micros(scene.clock.now() - start).as_secs() / 60;

    // The schedule contained enough admissions, denials and edits to be a useful test.
    assert!(minutes > 20, "{minutes} minutes passed");
    let requests = log.requests.len();
    assert!(seen.admitted > requests / 20 && seen.limited > requests / 20, "{seen:?}");
    assert!(seen.edits_in_flight > 100, "{seen:?}");
    let mut limits: HashMap<u32, usize> = HashMap::new();
    for request in &log.requests {
        *limits.entry(request.decision.limit).or_default() += 1;
    }
    assert!(limits.len() > 30, "{limits:?}");
}
