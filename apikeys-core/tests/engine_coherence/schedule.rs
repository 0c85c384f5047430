use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use apikeys_core::{
    Actor, ApiKeys, Denial, KeyId, KeyPatch, Maintenance, ManageError, MemoryStore, NewKey, OrgId, Plan,
    PlanName, Plans, Quota, RateLimit, RequestMeta, Secret, conformance::faults::InterceptedStore,
};
use futures_util::future::{Either, select};

use crate::{
    clock::InstanceClock,
    history::{DELETED, History, Object},
    network::{Network, SERVER, Weather},
    simulation::{MILLISECOND, SECOND, Simulation},
};

const KEYS: usize = 3;
const ORGS: usize = 2;
/// The number of plans, whose names are the states of organizations.
const PLANS: usize = 10;
const END: u64 = 14 * SECOND;
const LEASE: Duration = Duration::from_secs(2);

/// What happened in schedules.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Verifications that were decided without a read.
    pub(crate) cached: u64,
    pub(crate) read: u64,
    /// Calls that returned.
    pub(crate) changed: u64,
    pub(crate) fenced: u64,
    /// Calls whose callers stopped waiting.
    pub(crate) dropped: u64,
    /// Verifications that used an older state than a call had promised before they began.
    pub(crate) stale: Vec<String>,
}

impl Report {
    pub(crate) fn add(&mut self, other: &Self) {
        self.cached += other.cached;
        self.read += other.read;
        self.changed += other.changed;
        self.fenced += other.fenced;
        self.dropped += other.dropped;
    }
}

struct Key {
    id: KeyId,
    org: OrgId,
    secret: Secret,
}

#[derive(Debug, Clone)]
enum Change {
    Rename(usize, String),
    Delete(usize),
    SetPlan(OrgId, String),
}

struct World {
    simulation: Simulation,
    store: MemoryStore,
    history: Arc<Mutex<History>>,
    weather: Weather,
    report: Mutex<Report>,
    /// The engine of each instance. That of the server is not used.
    engines: Mutex<Vec<ApiKeys>>,
    keys: Vec<Key>,
    /// The number of states that changes have named.
    names: Mutex<usize>,
}

/// Runs the schedule of a seed.
pub(crate) fn run(seed: u64) -> Report {
    let instances = 2 + usize::try_from(seed % 3).unwrap();
    let simulation = Simulation::new(seed, 1 + instances);
    let weather = Weather::new(&simulation);
    let mut world = World {
        simulation: simulation.clone(),
        store: MemoryStore::new(),
        history: Arc::default(),
        weather,
        report: Mutex::default(),
        engines: Mutex::default(),
        keys: Vec::new(),
        names: Mutex::new(1),
    };
    let (server, _) = world.build(SERVER);
    world.keys = pollster::block_on(create_keys(&server));
    world.engines.lock().unwrap().push(server);
    let world = Arc::new(world);
    for instance in 1..=instances {
        let (engine, maintenance) = world.build(instance);
        world.engines.lock().unwrap().push(engine);
        world.start(instance, maintenance);
    }
    plan_changes(&world);
    plan_disturbances(&world);
    simulation.run_until(END);
    simulation.end();
    let mut report = std::mem::take(&mut *world.report.lock().unwrap());
    let history = world.history.lock().unwrap();
    (report.read, report.fenced) = (history.reads, history.fenced);
    report.cached = report.cached.saturating_sub(history.reads);
    report
}

/// Creates keys and sets plans, before the simulation begins.
async fn create_keys(keys: &ApiKeys) -> Vec<Key> {
    let mut created = Vec::new();
    for number in 0..KEYS {
        let org = org(number % ORGS);
        keys.operator(actor()).set_plan(&org, plan(0)).await.unwrap();
        let new = NewKey::new("name0").unwrap().rate_limit(RateLimit::per_minute(10_000).unwrap());
        let key = keys.manage(&org, actor()).create(new).await.unwrap();
        created.push(Key { id: key.key.id(), org, secret: key.secret });
    }
    created
}

fn org(number: usize) -> OrgId {
    OrgId::new(format!("org{number}")).unwrap()
}

fn actor() -> Actor {
    Actor::new("ann").unwrap()
}

fn plan(number: usize) -> PlanName {
    PlanName::new(format!("plan{number}")).unwrap()
}

impl World {
    /// Builds an engine and its maintenance.
    fn build(&self, instance: usize) -> (ApiKeys, Maintenance) {
        let is_setting_up = Arc::new(AtomicBool::new(true));
        let network = Network {
            simulation: self.simulation.clone(),
            store: self.store.clone(),
            history: Arc::clone(&self.history),
            weather: self.weather,
            is_setting_up: Arc::clone(&is_setting_up),
        };
        let plans = (0..PLANS).map(|number| Plan::new(plan(number).as_str(), Quota::Unlimited).unwrap());
        let builder = ApiKeys::builder(InterceptedStore::new(network))
            .clock(InstanceClock { simulation: self.simulation.clone(), instance })
            .plans(Plans::new(plans).unwrap())
            .cache_lease(LEASE)
            .store_timeout(Duration::from_millis(1_500))
            .flush_interval(Duration::from_secs(3_600));
        let built = pollster::block_on(builder.build()).unwrap();
        // The engine of the server makes the first changes.
        is_setting_up.store(instance == SERVER, Ordering::SeqCst);
        built
    }

    /// Starts the process of an instance.
    fn start(self: &Arc<Self>, instance: usize, maintenance: Maintenance) {
        let begin = self.simulation.below(SECOND);
        let simulation = self.simulation.clone();
        self.simulation.spawn(instance, async move {
            simulation.wait(begin).await;
            maintenance.run().await;
        });
        let world = Arc::clone(self);
        self.simulation.spawn(instance, async move {
            loop {
                let pause = world.simulation.below(400 * MILLISECOND);
                world.simulation.wait(pause).await;
                let key = world.simulation.index(KEYS);
                world.verify_after(instance, key, 0);
            }
        });
    }

    fn engine(&self, instance: usize) -> ApiKeys {
        self.engines.lock().unwrap()[instance].clone()
    }

    /// Begins a verification after some time.
    fn verify_after(self: &Arc<Self>, instance: usize, key: usize, delay: u64) {
        let world = Arc::clone(self);
        self.simulation.spawn(instance, async move {
            world.simulation.wait(delay).await;
            world.verify(instance, key).await;
        });
    }

    async fn verify(&self, instance: usize, key: usize) {
        let key = &self.keys[key];
        let (of_key, of_org) = (Object::Key(key.id), Object::Org(key.org.clone()));
        let promised = {
            let history = self.history.lock().unwrap();
            (history.promised(&of_key), history.promised(&of_org))
        };
        let engine = self.engine(instance);
        let request = RequestMeta::new("GET", "/");
        let verified = engine.verify(key.secret.expose().as_bytes(), request).await;
        let history = self.history.lock().unwrap();
        let is_right = match &verified {
            Ok(admission) => {
                let (name, plan) = (admission.key().key_name().as_str(), admission.key().plan().as_str());
                history.is_at_least(&of_key, promised.0, name)
                    && history.is_at_least(&of_org, promised.1, plan)
            }
            Err(Denial::Invalid) => history.is_at_least(&of_key, promised.0, DELETED),
            // The store did not answer in time.
            Err(Denial::VerificationUnavailable) => return,
            Err(_) => false,
        };
        let mut report = self.report.lock().unwrap();
        report.cached += 1;
        if !is_right {
            report
                .stale
                .push(format!("instance {instance}: {verified:?}, promised {promised:?}: {history:?}"));
        }
    }

    /// Makes a change, and promises its state if it returns.
    async fn change(self: &Arc<Self>, instance: usize, change: Change) {
        let engine = self.engine(instance);
        let (object, state) = match change {
            Change::Rename(key, name) => {
                let Key { id, org, .. } = &self.keys[key];
                let patch = KeyPatch::new().name(name.parse().unwrap());
                match engine.manage(org, actor()).update(*id, patch).await {
                    Ok(_) => (Object::Key(*id), name),
                    Err(ManageError::NotFound) => (Object::Key(*id), DELETED.to_owned()),
                    Err(_) => return,
                }
            }
            Change::Delete(key) => {
                let Key { id, org, .. } = &self.keys[key];
                match engine.manage(org, actor()).delete(*id).await {
                    Ok(()) | Err(ManageError::NotFound) => (Object::Key(*id), DELETED.to_owned()),
                    Err(_) => return,
                }
            }
            Change::SetPlan(org, plan) => {
                let name = PlanName::new(&plan).unwrap();
                if engine.operator(actor()).set_plan(&org, name).await.is_err() {
                    return;
                }
                (Object::Org(org), plan)
            }
        };
        self.history.lock().unwrap().promise(&object, &state);
        self.report.lock().unwrap().changed += 1;
        // An older state is used soon or never.
        for instance in 1..self.engines.lock().unwrap().len() {
            for (number, key) in self.keys.iter().enumerate() {
                if object == Object::Key(key.id) || object == Object::Org(key.org.clone()) {
                    for longest in [MILLISECOND, 50 * MILLISECOND, SECOND] {
                        let delay = self.simulation.below(longest);
                        self.verify_after(instance, number, delay);
                    }
                }
            }
        }
    }

    /// Makes a change after some time. Some callers do not wait until it returns.
    fn change_after(self: &Arc<Self>, change: Change, delay: u64) {
        let instances = self.engines.lock().unwrap().len() - 1;
        let instance = 1 + self.simulation.index(instances);
        let patience = self.simulation.chance(10).then(|| self.simulation.below(20 * MILLISECOND));
        let world = Arc::clone(self);
        self.simulation.spawn(instance, async move {
            world.simulation.wait(delay).await;
            let Some(patience) = patience else { return world.change(instance, change).await };
            let (change, end) = (pin!(world.change(instance, change)), world.simulation.wait(patience));
            if let Either::Right(_) = select(change, end).await {
                world.report.lock().unwrap().dropped += 1;
            }
        });
    }

    fn next_name(&self) -> usize {
        let mut names = self.names.lock().unwrap();
        *names += 1;
        *names - 1
    }
}

fn plan_changes(world: &Arc<World>) {
    let simulation = &world.simulation;
    for _ in 0..2 + simulation.below(6) {
        let time = SECOND + simulation.below(END - 3 * SECOND);
        let key = simulation.index(KEYS);
        let change = match simulation.below(6) {
            0..=2 => Change::Rename(key, format!("name{}", world.next_name())),
            3 => Change::Delete(key),
            _ => Change::SetPlan(org(simulation.index(ORGS)), plan(world.next_name()).to_string()),
        };
        world.change_after(change.clone(), time);
        // Often, somebody else makes the same change at the same time.
        while simulation.chance(50) {
            world.change_after(change.clone(), time + simulation.below(500 * MILLISECOND));
        }
    }
}

fn plan_disturbances(world: &Arc<World>) {
    let simulation = &world.simulation;
    let instances = world.engines.lock().unwrap().len() - 1;
    for _ in 0..simulation.below(5) {
        let (time, instance) = (simulation.below(END), 1 + simulation.index(instances));
        let suspends = simulation.clock(instance, |clock, _| clock.suspends);
        let (kind, length) = (simulation.below(6), simulation.below(6 * SECOND));
        let world = Arc::clone(world);
        simulation.spawn(SERVER, async move {
            world.simulation.wait(time).await;
            match kind {
                0 | 1 => world.simulation.stop(instance, length, false),
                2 if suspends => world.simulation.stop(instance, length, true),
                2 | 3 if !suspends => {
                    let by = i64::try_from(length).unwrap() * 3 - 9_000_000;
                    world.simulation.change_clock(instance, |clock| clock.set_wall(by));
                }
                _ => {
                    // The process crashes and is started again.
                    world.simulation.kill(instance);
                    let (engine, maintenance) = world.build(instance);
                    world.engines.lock().unwrap()[instance] = engine;
                    world.start(instance, maintenance);
                }
            }
        });
    }
}
