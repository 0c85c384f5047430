use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use apikeys_core::{
    ApiKeys, Denial, KeyManager, KeyPatch, ManualClock, MemoryStore, Operator, RequestMeta, Timestamp,
};

use crate::support::{actor, new_key, org, per_minute, plan};

/// The number of engines on one store. Each engine has its own caller.
const ENGINES: usize = 4;
/// The number of rounds. Each round deactivates and deletes a key, and makes seven other changes.
const ROUNDS: usize = 500;
/// The number of verifications that each caller must have made in a state before the next change.
const LEAST: u64 = 3;
/// The maximum number of verifications that a caller makes in a state, which is far below the rate limit.
const MOST: u64 = 6;

/// The state of the key, which decides what a verification must return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A change is being made, so every result is accepted.
    Changing,
    Works,
    Deactivated,
    RateLimited,
    Expired,
    WithoutAccess,
    Deleted,
}

impl State {
    const ALL: [Self; 7] = [
        Self::Changing,
        Self::Works,
        Self::Deactivated,
        Self::RateLimited,
        Self::Expired,
        Self::WithoutAccess,
        Self::Deleted,
    ];

    fn allows(self, answer: &Result<(), Denial>) -> bool {
        match self {
            Self::Changing => true,
            Self::Works => answer.is_ok(),
            Self::Deactivated => *answer == Err(Denial::Deactivated),
            Self::RateLimited => matches!(answer, Err(Denial::RateLimited(_))),
            Self::Expired => *answer == Err(Denial::Expired),
            Self::WithoutAccess => *answer == Err(Denial::PlanWithoutAccess),
            Self::Deleted => *answer == Err(Denial::Invalid),
        }
    }
}

/// The current state with its number, and the results that the callers saw.
struct Scene {
    /// Ten times the number of the state, plus the state itself.
    now: AtomicU64,
    secret: Mutex<String>,
    /// For each caller, a hundred times `now`, plus the number of its verifications that began and ended in
    /// that state.
    verified: [AtomicU64; ENGINES],
    /// For each state, the number of verifications that were judged.
    judged: [AtomicU64; State::ALL.len()],
    wrong: Mutex<Vec<String>>,
    end: AtomicBool,
}

impl Scene {
    fn new() -> Self {
        Self {
            now: AtomicU64::new(0),
            secret: Mutex::default(),
            verified: Default::default(),
            judged: Default::default(),
            wrong: Mutex::default(),
            end: AtomicBool::new(false),
        }
    }

    fn read(&self) -> (u64, State) {
        let now = self.now.load(Ordering::SeqCst);
        (now, State::ALL[usize::try_from(now % 10).unwrap()])
    }

    fn enter(&self, state: State) {
        let number = self.now.load(Ordering::SeqCst) / 10 + 1;
        self.now.store(number * 10 + state as u64, Ordering::SeqCst);
    }

    /// Repeats verifications on one engine, and judges those that began and ended in the same state.
    fn call(&self, keys: &ApiKeys, caller: usize) {
        let (mut last, mut count) = (0, 0);
        while !self.end.load(Ordering::SeqCst) {
            let (now, state) = self.read();
            if now != last {
                (last, count) = (now, 0);
            }
            if count == MOST {
                thread::yield_now();
                continue;
            }
            let secret = self.secret.lock().unwrap().clone();
            let request = RequestMeta::new("GET", "/v1/items");
            let answer = pollster::block_on(keys.verify(secret.as_bytes(), request)).map(drop);
            if self.read().0 != now {
                continue;
            }
            if !state.allows(&answer) {
                self.wrong.lock().unwrap().push(format!("{answer:?} in {state:?}"));
            }
            self.judged[state as usize].fetch_add(1, Ordering::SeqCst);
            count += 1;
            self.verified[caller].store(now * 100 + count, Ordering::SeqCst);
        }
    }

    /// Holds a state until every caller has verified in it.
    fn hold(&self, state: State) {
        self.enter(state);
        let enough = self.read().0 * 100 + LEAST;
        let start = Instant::now();
        while self.verified.iter().any(|verified| verified.load(Ordering::SeqCst) < enough) {
            assert!(start.elapsed() < Duration::from_secs(60), "not every caller verifies in {state:?}");
            thread::yield_now();
        }
        self.enter(State::Changing);
        let wrong = self.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}

#[test]
fn verification_after_a_change_sees_the_change_on_every_engine() {
    let (store, clock) = (MemoryStore::new(), ManualClock::default());
    let engines: Vec<ApiKeys> = (0..ENGINES)
        .map(|_| {
            let builder = ApiKeys::builder(store.clone()).clock(clock.clone()).buffer_capacity(usize::MAX);
            pollster::block_on(builder.build()).unwrap().0
        })
        .collect();
    let operator = engines[0].operator(actor());
    let manage = engines[0].manage(org("org"), actor());
    set_plan(&operator, "enterprise");
    let scene = Scene::new();
    thread::scope(|scope| {
        for (caller, keys) in engines.iter().enumerate() {
            let scene = &scene;
            scope.spawn(move || scene.call(keys, caller));
        }
        // The guard ends the callers even if an assertion fails.
        let _end = End(&scene);
        for _ in 0..ROUNDS {
            live_and_die(&scene, &manage, &operator, &clock);
        }
    });
    for state in State::ALL.into_iter().filter(|state| *state != State::Changing) {
        let judged = scene.judged[state as usize].load(Ordering::SeqCst);
        assert!(judged >= LEAST * (ENGINES * ROUNDS) as u64, "{judged} verifications in {state:?}");
    }
}

/// Makes every change that ends or restores a key's access. After each change, waits until all callers have
/// verified the key.
fn live_and_die(scene: &Scene, manage: &KeyManager, operator: &Operator, clock: &ManualClock) {
    let new = new_key("CI").rate_limit(per_minute(10_000));
    let created = pollster::block_on(manage.create(new)).unwrap();
    let key = created.key.id();
    created.secret.expose().clone_into(&mut scene.secret.lock().unwrap());
    let update = |patch: KeyPatch| drop(pollster::block_on(manage.update(key, patch)).unwrap());
    scene.hold(State::Works);
    update(KeyPatch::new().active(false));
    scene.hold(State::Deactivated);
    update(KeyPatch::new().active(true));
    scene.hold(State::Works);
    update(KeyPatch::new().rate_limit(per_minute(1)));
    scene.hold(State::RateLimited);
    update(KeyPatch::new().rate_limit(per_minute(10_000)));
    scene.hold(State::Works);
    set_plan(operator, "free");
    scene.hold(State::WithoutAccess);
    set_plan(operator, "enterprise");
    scene.hold(State::Works);
    let soon: Timestamp = apikeys_core::Clock::wall(clock).saturating_add(Duration::from_secs(1));
    update(KeyPatch::new().expires_at(soon));
    pollster::block_on(clock.advance(Duration::from_secs(1)));
    scene.hold(State::Expired);
    update(KeyPatch::new().no_expiry());
    scene.hold(State::Works);
    pollster::block_on(manage.delete(key)).unwrap();
    scene.hold(State::Deleted);
}

fn set_plan(operator: &Operator, name: &str) {
    pollster::block_on(operator.set_plan(org("org"), plan(name))).unwrap();
}

struct End<'a>(&'a Scene);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end.store(true, Ordering::SeqCst);
    }
}
