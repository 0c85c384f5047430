//! Operations while the network between a store and its server fails.

use std::{
    net::ToSocketAddrs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use apikeys_sqlx_store::apikeys_core::{
    KeyStore,
    store::{CommitOutcome, KeyRow, RecordOutcome, SecretRow, StoreErrorKind, StoreResult, StoredPlan},
};
use apikeys_test_network::{Cut, Direction, FaultyNetwork};
use tokio::{
    task::{JoinHandle, block_in_place},
    time::{sleep, timeout},
};

use crate::{
    database::{Opened, Server},
    on_each_server,
    values::{batch, create, creation, org, row, secret, writer},
};

on_each_server!(
    operations_while_connections_are_cut_at_random_points_apply_once,
    operations_while_connections_are_cut_at_random_times_apply_once,
    operations_while_the_network_is_slow_frozen_or_half_closed_apply_once,
);

/// The longest time that the engine waits for an operation.
const LIMIT: Duration = Duration::from_secs(5);
/// The first pause of the engine before it repeats a change.
const PAUSE: Duration = Duration::from_millis(5);
/// The number of cuts at random points.
const CUTS: u64 = 200;
/// The number of bytes after which a connection is cut at the latest. Opening a connection takes about a thousand, and an
/// operation some thousands until its statements are prepared.
const BYTES: u64 = 12_000;
/// The number of requests in a batch.
const REQUESTS: usize = 3;

/// Tasks that use a store as the engine does, until [`stop`](Self::stop) is called.
struct Work {
    tasks: Vec<JoinHandle<()>>,
    done: Arc<Done>,
}

/// The numbers of operations that succeeded.
#[derive(Default)]
struct Done {
    reads: AtomicU64,
    creations: AtomicU64,
    batches: AtomicU64,
    /// The number of operations that returned an error or took too long.
    failed: AtomicU64,
    stop: AtomicBool,
}

impl Done {
    fn counts(&self) -> [u64; 3] {
        [&self.reads, &self.creations, &self.batches].map(|count| count.load(Ordering::SeqCst))
    }

    /// Waits for an operation for no longer than the engine. Returns `None` if the operation may not have been executed.
    async fn within<T>(&self, operation: impl Future<Output = StoreResult<T>>) -> Option<T> {
        match timeout(LIMIT, operation).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error:?}"),
            Err(_) => {}
        }
        self.failed.fetch_add(1, Ordering::SeqCst);
        sleep(PAUSE).await;
        None
    }

    /// Repeats an operation until it succeeds.
    async fn repeat<T, F: Future<Output = StoreResult<T>>>(&self, operation: impl Fn() -> F) -> T {
        loop {
            if let Some(answer) = self.within(operation()).await {
                return answer;
            }
        }
    }
}

impl Work {
    fn start(
        store: &(impl KeyStore + Clone),
        key: &KeyRow,
        found: &SecretRow,
        plan: Option<StoredPlan>,
    ) -> Self {
        let done = Arc::<Done>::default();
        let tasks = vec![
            tokio::spawn(read(store.clone(), found.clone(), Arc::clone(&done))),
            tokio::spawn(make_keys(store.clone(), key.clone(), plan, Arc::clone(&done))),
            tokio::spawn(record(store.clone(), key.clone(), Arc::clone(&done))),
        ];
        Self { tasks, done }
    }

    /// Waits until each task has completed some operations from now on.
    async fn wait_until_all_work(&self) {
        let (began, before) = (Instant::now(), self.done.counts());
        while self.done.counts().iter().zip(before).any(|(now, before)| *now < before + 3) {
            for task in &self.tasks {
                assert!(!task.is_finished(), "a task has panicked");
            }
            assert!(
                began.elapsed() < 3 * LIMIT,
                "the store does not recover: {:?} operations, {before:?} of them before",
                self.done.counts()
            );
            sleep(PAUSE).await;
        }
    }

    async fn stop(self) -> Arc<Done> {
        self.done.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        self.done
    }
}

/// Finds a secret again and again. A known secret is never unknown.
async fn read(store: impl KeyStore, found: SecretRow, done: Arc<Done>) {
    while !done.stop.load(Ordering::SeqCst) {
        if let Some(answer) = done.within(store.find(std::slice::from_ref(&found.locator))).await {
            assert!(answer.is_some(), "the secret is unknown");
            done.reads.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn make_keys(store: impl KeyStore, key: KeyRow, plan: Option<StoredPlan>, done: Arc<Done>) {
    while !done.stop.load(Ordering::SeqCst) {
        let new = row(&key.org);
        let creation = creation(&new, &secret(new.id), plan.clone());
        let outcome = done.repeat(|| store.commit(&creation)).await;
        assert!(matches!(outcome, CommitOutcome::Done { .. }), "{outcome:?}");
        done.creations.fetch_add(1, Ordering::SeqCst);
    }
}

async fn record(store: impl KeyStore, key: KeyRow, done: Arc<Done>) {
    // The network still works.
    let writer = writer(&store).await;
    for sequence in 1.. {
        if done.stop.load(Ordering::SeqCst) {
            break;
        }
        let batch = batch(writer, sequence, &key, REQUESTS);
        match done.repeat(|| store.record(&batch)).await {
            RecordOutcome::Applied | RecordOutcome::AlreadyApplied => {}
            other => panic!("{other:?}"),
        }
        done.batches.fetch_add(1, Ordering::SeqCst);
    }
}

/// A database with a key, and a store that reaches the database through a network.
struct Scene<S: Server> {
    opened: Opened<S>,
    network: FaultyNetwork,
    store: S::Store,
    key: KeyRow,
    work: Work,
}

impl<S: Server> Scene<S> {
    async fn new() -> Self {
        let opened = Opened::<S>::new().await;
        let url = opened.database.url();
        let place = url.rsplit_once('@').unwrap().1.split_once('/').unwrap().0;
        let network = FaultyNetwork::to(place.to_socket_addrs().unwrap().next().unwrap());
        let store = S::connect(&network.url(&url)).await.unwrap();
        let acme = org("acme");
        let (key, found) = create(&store, &acme).await;
        let plan = store.org(&acme).await.unwrap().map(|row| row.stored_plan());
        let work = Work::start(&store, &key, &found, plan);
        work.wait_until_all_work().await;
        Self { opened, network, store, key, work }
    }

    /// Changes the network. The call blocks the thread until the change applies to all connections.
    fn change(&self, change: impl FnOnce(&FaultyNetwork)) {
        block_in_place(|| change(&self.network));
    }

    /// Panics unless all writes were applied once. Returns the numbers of operations.
    async fn finish(mut self) -> String {
        self.work.wait_until_all_work().await;
        let done = self.work.stop().await;
        let [reads, creations, batches] = done.counts();
        let key = self.store.key(&self.key.org, self.key.id).await.unwrap().unwrap();
        let requests = batches * REQUESTS as u64;
        assert_eq!(key.request_count, requests, "the counter");
        let org = self.store.org(&self.key.org).await.unwrap().unwrap();
        assert_eq!(u64::from(org.key_count), creations + 1, "the number of keys");
        for (action, events) in [("key.created", creations + 1), ("request", requests)] {
            let rows = format!("SELECT count(*) FROM apikeys_audit WHERE action = '{action}'");
            let rows = S::number(&mut self.opened.beside, &rows).await;
            assert_eq!(u64::try_from(rows).unwrap(), events, "events of {action}");
        }
        let failed = done.failed.load(Ordering::SeqCst);
        format!("{reads} reads, {creations} creations, {batches} batches; {failed} operations failed")
    }
}

async fn operations_while_connections_are_cut_at_random_points_apply_once<S: Server>() {
    let scene = Scene::<S>::new().await;
    let began = Instant::now();
    for number in 0_u32.. {
        let cuts = scene.network.random_cuts();
        if cuts >= CUTS {
            break;
        }
        let how = if number.is_multiple_of(2) { Cut::Reset } else { Cut::Close };
        scene.change(|network| network.cut_at_random(Some((1..=BYTES, how))));
        // Connections from before the change are not cut at random.
        scene.change(|network| network.cut(how));
        while scene.network.random_cuts() < cuts + CUTS / 10 {
            assert!(began.elapsed() < Duration::from_secs(120), "{} cuts", scene.network.random_cuts());
            sleep(PAUSE).await;
        }
    }
    scene.change(|network| network.cut_at_random(None));
    let (cuts, took) = (scene.network.random_cuts(), began.elapsed());
    println!("{cuts} cuts at random points in {took:?}; {}", scene.finish().await);
}

/// Few of the bytes of a transaction are those of its commit, so cuts after random numbers of bytes rarely lose a commit or
/// its answer. Cuts at random times do, on a network that holds all data for some time.
async fn operations_while_connections_are_cut_at_random_times_apply_once<S: Server>() {
    let scene = Scene::<S>::new().await;
    scene.change(|network| network.delay(Duration::from_millis(1)));
    let mut pause = 5;
    for number in 0..CUTS {
        // Pauses of different lengths cut connections at different points of a transaction. The longest leaves time for a
        // whole transaction.
        pause = (pause * 7) % 97 + 5;
        sleep(Duration::from_millis(pause)).await;
        scene.change(|network| network.cut(if number % 2 == 0 { Cut::Reset } else { Cut::Close }));
    }
    scene.change(|network| network.delay(Duration::ZERO));
    println!("{CUTS} cuts at random times; {}", scene.finish().await);
}

async fn operations_while_the_network_is_slow_frozen_or_half_closed_apply_once<S: Server>() {
    let scene = Scene::<S>::new().await;
    scene.change(|network| network.delay(Duration::from_millis(20)));
    scene.work.wait_until_all_work().await;
    scene.change(|network| network.delay(Duration::ZERO));
    // In a short outage, operations wait. In a long one, they end without an answer.
    for outage in [Duration::from_secs(1), LIMIT + Duration::from_secs(1)] {
        scene.change(FaultyNetwork::freeze);
        sleep(outage).await;
        scene.change(FaultyNetwork::thaw);
        scene.work.wait_until_all_work().await;
    }
    for direction in Direction::BOTH {
        for _ in 0..5 {
            scene.change(|network| network.half_close(direction));
            scene.work.wait_until_all_work().await;
        }
    }
    // No server listens for some time.
    scene.change(FaultyNetwork::refuse);
    scene.change(|network| network.cut(Cut::Reset));
    sleep(Duration::from_secs(1)).await;
    scene.change(FaultyNetwork::accept);
    scene.work.wait_until_all_work().await;
    println!("{}", scene.finish().await);
}
