//! The limiter while Redis fails.

use std::{
    io::{Read, Write},
    net::TcpListener,
    num::NonZeroU32,
    thread,
    time::{Duration, Instant},
};

use apikeys_core::{
    KeyId, Limiter, RateLimit,
    limiter::{LimiterState, Verdict},
};
use apikeys_redis::{Builder, Fallback, RedisLimiter};
use apikeys_test_network::{Cut, FaultyNetwork};
use apikeys_test_servers::{Engine, PrivateServer};
use tokio::time::sleep;

use crate::limiter::{Instance, fresh_key};

/// The longest time that a request may take while Redis fails.
const PATIENCE: Duration = Duration::from_millis(60);

/// A server of its own, an instance that reaches it over a network that can fail, and a key.
pub(crate) struct World {
    server: PrivateServer,
    pub(crate) network: FaultyNetwork,
    pub(crate) instance: Instance,
    pub(crate) key: KeyId,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    async fn with(adjust: impl FnOnce(Builder) -> Builder) -> Self {
        let server = start().await;
        let network = FaultyNetwork::before(&server.url());
        let limiter = adjust(RedisLimiter::builder(&network.url(&server.url()))).connect().await.unwrap();
        Self { server, network, instance: Instance::with(limiter), key: fresh_key() }
    }

    fn state(&self) -> LimiterState {
        self.instance.limiter.state()
    }

    /// Makes a request, and returns the verdict and the time that it took.
    async fn take(&self, limit: u32) -> (Verdict, Duration) {
        let began = Instant::now();
        (self.instance.take(self.key, limit).await, began.elapsed())
    }

    /// Makes requests until `admitted` were admitted and one was not, each in the time that is allowed.
    async fn admits_exactly(&self, limit: u32, admitted: u32) {
        for n in 0..admitted {
            let (verdict, took) = self.take(limit).await;
            assert!(matches!(verdict, Verdict::Admitted(_)), "request {n}: {verdict:?}");
            assert!(took <= PATIENCE, "request {n} took {took:?}");
        }
        let (verdict, took) = self.take(limit).await;
        assert!(matches!(verdict, Verdict::Limited(_)) && took <= PATIENCE, "{verdict:?} {took:?}");
    }

    /// Sends a command to the server itself.
    async fn command(&self, command: &[&str]) {
        let client = redis::Client::open(self.server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut cmd = redis::cmd(command[0]);
        cmd.arg(&command[1..]);
        let () = cmd.query_async(&mut connection).await.unwrap();
    }

    pub(crate) async fn is_back(&self) {
        wait_for(&self.instance.limiter, LimiterState::Shared).await;
        // Other keys have not been denied.
        let (verdict, at) = (self.instance.take(fresh_key(), 3).await, Instant::now());
        assert!(matches!(verdict, Verdict::Admitted(_)), "{verdict:?} {at:?}");
        assert_eq!(self.state(), LimiterState::Shared);
    }
}

async fn start() -> PrivateServer {
    tokio::task::spawn_blocking(|| PrivateServer::start(Engine::Redis)).await.unwrap()
}

async fn wait_for(limiter: &RedisLimiter, state: LimiterState) {
    let began = Instant::now();
    while limiter.state() != state {
        assert!(began.elapsed() < Duration::from_secs(10), "the limiter is {:?}", limiter.state());
        sleep(Duration::from_millis(5)).await;
    }
}

/// Lets Redis fail and work again. Meanwhile, the instance limits for itself, and counts what Redis has admitted before.
async fn falls_back_and_returns(fail: impl AsyncFnOnce(&mut World), mend: impl AsyncFnOnce(&mut World)) {
    let mut world = World::new().await;
    for _ in 0..3 {
        assert!(matches!(world.take(5).await.0, Verdict::Admitted(_)));
    }
    fail(&mut world).await;
    world.admits_exactly(5, 2).await;
    assert_eq!(world.state(), LimiterState::Away);
    sleep(Duration::from_millis(500)).await;
    assert_eq!(world.state(), LimiterState::Away, "Redis still fails");
    world.admits_exactly(5, 0).await;
    mend(&mut world).await;
    world.is_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn instance_limits_alone_while_redis_hangs() {
    falls_back_and_returns(async |world| world.network.freeze(), async |world| world.network.thaw()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn instance_limits_alone_while_redis_is_too_slow() {
    let second = Duration::from_secs(1);
    falls_back_and_returns(
        async |world| world.network.delay(second),
        async |world| world.network.delay(Duration::ZERO),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn instance_limits_alone_while_connections_are_refused() {
    falls_back_and_returns(
        async |world| {
            world.network.refuse();
            world.network.cut(Cut::Reset);
        },
        async |world| world.network.accept(),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn instance_limits_alone_while_the_server_is_a_replica() {
    falls_back_and_returns(
        async |world| world.command(&["REPLICAOF", "127.0.0.1", "1"]).await,
        async |world| world.command(&["REPLICAOF", "NO", "ONE"]).await,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn instance_limits_alone_while_the_server_has_no_memory() {
    falls_back_and_returns(
        async |world| world.command(&["CONFIG", "SET", "maxmemory", "1"]).await,
        async |world| world.command(&["CONFIG", "SET", "maxmemory", "0"]).await,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn instance_limits_alone_while_the_server_is_killed_and_restarted() {
    falls_back_and_returns(
        async |world| tokio::task::block_in_place(|| world.server.kill()),
        async |world| tokio::task::block_in_place(|| world.server.restart()),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn restart_that_loses_the_windows_admits_at_most_the_limit_once_more() {
    let mut world = World::new().await;
    world.admits_exactly(20, 20).await;
    tokio::task::block_in_place(|| world.server.restart());
    let mut more = 0;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        // Another instance has neither the window nor the remembered denial.
        let other = Instance::with(world.instance.limiter.clone());
        let verdict = other.take(world.key, 21).await;
        more += u32::from(matches!(verdict, Verdict::Admitted(_)) && world.state() == LimiterState::Shared);
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(world.state(), LimiterState::Shared);
    assert_eq!(more, 21);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn connection_that_is_cut_is_replaced_and_costs_one_decision_by_the_instance() {
    let world = World::new().await;
    for cut in [Cut::Reset, Cut::Close] {
        world.network.cut(cut);
        let (verdict, took) = world.take(100).await;
        assert!(matches!(verdict, Verdict::Admitted(_)) && took <= PATIENCE, "{verdict:?} {took:?}");
        world.is_back().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn answers_of_something_else_are_not_taken_for_decisions() {
    for answer in
        ["HTTP/1.1 400 Bad Request\r\n\r\n", "+OK\r\n", ":1\r\n", "*3\r\n:0\r\n:0\r\n:0\r\n", "\0\0\0"]
    {
        let server = start().await;
        let url = server.url();
        let limiter = RedisLimiter::connect(&url).await.unwrap();
        let instance = Instance::with(limiter);
        let port = server.server().port();
        drop(server);
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                thread::spawn(move || {
                    while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
                        let _ = stream.write_all(answer.repeat(3).as_bytes());
                    }
                });
            }
        });
        let key = fresh_key();
        let began = Instant::now();
        let mut admitted = 0;
        while began.elapsed() < Duration::from_millis(1_500) {
            let request = Instant::now();
            admitted += u32::from(instance.admits(key, 10).await);
            assert!(request.elapsed() <= PATIENCE, "{answer:?}: {:?}", request.elapsed());
            sleep(Duration::from_millis(3)).await;
        }
        assert_eq!((admitted, instance.limiter.state()), (10, LimiterState::Away), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn few_requests_wait_and_few_connections_are_made_while_redis_is_away() {
    let world = World::new().await;
    let latencies = async |instance: &Instance| {
        let mut latencies = Vec::new();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(3) {
            let request = Instant::now();
            instance.take(fresh_key(), 100).await;
            latencies.push(request.elapsed());
            sleep(Duration::from_millis(2)).await;
        }
        latencies
    };
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let instance = world.instance.clone();
            tokio::spawn(async move { latencies(&instance).await })
        })
        .collect();
    sleep(Duration::from_millis(300)).await;
    let before = world.network.accepted();
    world.network.freeze();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all.sort();
    let (waited, p99) = (all.iter().filter(|took| **took > PATIENCE / 2).count(), all[all.len() * 99 / 100]);
    println!("{} requests, {waited} waited, p99 {p99:?}, longest {:?}", all.len(), all[all.len() - 1]);
    assert!(all.len() > 1_000 && p99 <= PATIENCE, "{p99:?}");
    assert!(waited <= 16, "{waited} requests waited for a server that was known to be away");
    let attempts = world.network.accepted() - before;
    assert!((1..=4).contains(&attempts), "{attempts} attempts to connect");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn server_that_refuses_writes_is_tried_about_once_a_second() {
    let world = World::new().await;
    let before = world.network.accepted();
    world.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        world.take(100).await;
    }
    let attempts = world.network.accepted() - before;
    assert!((4..=9).contains(&attempts), "{attempts} attempts to connect");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn other_fallbacks_apply_a_share_or_refuse() {
    let share = Fallback::Share(NonZeroU32::new(4).unwrap());
    let world = World::with(|builder| builder.fallback(share)).await;
    world.network.freeze();
    world.admits_exactly(10, 3).await;

    let world = World::with(|builder| builder.fallback(Fallback::Refuse)).await;
    assert!(matches!(world.take(5).await.0, Verdict::Admitted(_)));
    world.network.freeze();
    for _ in 0..10 {
        let (verdict, took) = world.take(5).await;
        assert!(verdict == Verdict::Unavailable && took <= PATIENCE, "{verdict:?} {took:?}");
    }
    world.network.thaw();
    world.is_back().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn service_can_start_while_redis_is_away() {
    let server = start().await;
    let network = FaultyNetwork::before(&server.url());
    network.refuse();
    let builder = || RedisLimiter::builder(&network.url(&server.url()));
    assert!(builder().connect().await.is_err());
    let instance = Instance::with(builder().connect_in_background().unwrap());
    assert!(instance.admits(fresh_key(), 1).await);
    assert_eq!(instance.limiter.state(), LimiterState::Away);
    network.accept();
    wait_for(&instance.limiter, LimiterState::Shared).await;
    let Verdict::Admitted(status) = instance.take(fresh_key(), 7).await else { panic!("a new key") };
    assert_eq!((status.remaining, status.reset_after), (6, RateLimit::WINDOW));
}
