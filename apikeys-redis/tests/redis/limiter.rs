//! The limiter on a server that works.

use std::{sync::Arc, time::Duration};

use apikeys_core::{
    Clock, KeyId, Limiter, RateLimit, SystemClock,
    limiter::{Acquisition, Charge, LimiterState, Subject, Verdict, Window},
};
use apikeys_redis::{ConnectError, RedisLimiter};
use apikeys_test_servers::{Engine, PrivateServer, redis_url};
use tokio::task::JoinSet;

use crate::random::Random;

/// One instance of a service: a limiter with a connection and a clock of its own.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) limiter: RedisLimiter,
    clock: Arc<SystemClock>,
    /// The window of the only key that this instance knows.
    window: Arc<Window>,
}

impl Instance {
    pub(crate) async fn connect(url: &str) -> Self {
        Self::with(RedisLimiter::connect(url).await.unwrap())
    }

    pub(crate) fn with(limiter: RedisLimiter) -> Self {
        Self { limiter, clock: Arc::new(SystemClock::new()), window: Arc::default() }
    }

    pub(crate) async fn take(&self, key: KeyId, limit: u32) -> Verdict {
        let limit = RateLimit::per_minute(limit).unwrap();
        let charges = [Charge::one(Subject::Key(key), limit, &self.window)];
        match self.limiter.acquire(self.clock.monotonic(), &*self.clock, &charges) {
            Acquisition::Now(verdict) => verdict,
            Acquisition::Later(verdict) => verdict.await,
        }
    }

    pub(crate) async fn admits(&self, key: KeyId, limit: u32) -> bool {
        matches!(self.take(key, limit).await, Verdict::Admitted(_))
    }
}

/// Returns an id that no other test uses.
pub(crate) fn fresh_key() -> KeyId {
    let mut bytes = [0; 16];
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let mut random = Random::new(now ^ u64::from(std::process::id()) << 40 ^ &raw const bytes as u64);
    bytes.fill_with(|| random.below(256) as u8);
    KeyId::from_bytes(bytes)
}

/// The permissions that the docs of the crate name.
pub(crate) const PERMISSIONS: &str = "+evalsha +script|load +time +getrange +setrange +set +pexpire";

pub(crate) const ON_A_CLUSTER: &str = "+cluster|slots";
pub(crate) const WITH_SENTINEL: &str = "+role";

#[tokio::test]
#[ignore = "needs Redis: run cargo xtask test"]
async fn user_with_the_documented_permissions_can_use_the_limiter_and_one_without_them_cannot() {
    for permissions in [PERMISSIONS, ON_A_CLUSTER, WITH_SENTINEL] {
        assert!(include_str!("../../src/lib.rs").contains(&format!("`{permissions}`")));
    }
    let server = tokio::task::spawn_blocking(|| PrivateServer::start(Engine::Redis)).await.unwrap();
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let set_user = |name: &str, permissions: &str| {
        let mut command = redis::cmd("ACL");
        command.arg(&["SETUSER", name, "on", ">only-for-tests", "~apikeys:*"]);
        for permission in permissions.split(' ') {
            command.arg(permission);
        }
        command
    };
    let () = set_user("limiter", PERMISSIONS).query_async(&mut connection).await.unwrap();
    let address = format!("127.0.0.1:{}", server.server().port());
    let url = |name: &str| format!("redis://{name}:only-for-tests@{address}");
    let (instance, key) = (Instance::connect(&url("limiter")).await, fresh_key());
    for _ in 0..5 {
        assert!(instance.admits(key, 5).await);
    }
    assert!(!instance.admits(key, 5).await);
    assert_eq!(instance.limiter.state(), LimiterState::Shared);

    // The server has loaded the script by now.
    let needed = |permission: &&str| *permission != "+script|load";
    for (number, missing) in PERMISSIONS.split(' ').filter(needed).enumerate() {
        let rest: Vec<&str> = PERMISSIONS.split(' ').filter(|permission| *permission != missing).collect();
        let name = format!("without-{number}");
        let () = set_user(&name, &rest.join(" ")).query_async(&mut connection).await.unwrap();
        let mut is_refused = true;
        if let Ok(limiter) = RedisLimiter::connect(&url(&name)).await {
            let (instance, key) = (Instance::with(limiter), fresh_key());
            for _ in 0..5 {
                instance.take(key, 5).await;
            }
            is_refused = instance.limiter.state() != LimiterState::Shared;
        }
        assert!(is_refused, "{missing} is not needed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn instances_together_admit_exactly_the_limit() {
    let url = redis_url();
    let mut instances = Vec::new();
    for _ in 0..3 {
        instances.push(Instance::connect(&url).await);
    }
    for limit in [1, 60, 1_000] {
        let key = fresh_key();
        let mut tasks = JoinSet::new();
        for instance in &instances {
            for _ in 0..20 {
                let instance = instance.clone();
                tasks.spawn(async move {
                    let mut admitted = 0;
                    for _ in 0..=limit / 20 {
                        admitted += u32::from(instance.admits(key, limit).await);
                    }
                    admitted
                });
            }
        }
        assert_eq!(tasks.join_all().await.into_iter().sum::<u32>(), limit);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn thirty_requests_at_once_for_the_last_place_admit_one() {
    let instances = [Instance::connect(&redis_url()).await, Instance::connect(&redis_url()).await];
    for _ in 0..20 {
        let key = fresh_key();
        for _ in 0..4 {
            assert!(instances[0].admits(key, 5).await);
        }
        let mut tasks = JoinSet::new();
        for n in 0..30 {
            let instance = instances[n % 2].clone();
            tasks.spawn(async move { instance.admits(key, 5).await });
        }
        assert_eq!(tasks.join_all().await.into_iter().filter(|admitted| *admitted).count(), 1);
    }
}

#[tokio::test]
#[ignore = "needs Redis: run cargo xtask test"]
async fn instances_agree_on_what_remains_and_when_the_window_resets() {
    let (a, b) = (Instance::connect(&redis_url()).await, Instance::connect(&redis_url()).await);
    let key = fresh_key();
    let admitted = |verdict| match verdict {
        Verdict::Admitted(status) => (status.limit.requests(), status.remaining, status.reset_after),
        other => panic!("{other:?}"),
    };
    assert_eq!(admitted(a.take(key, 3).await), (3, 2, RateLimit::WINDOW));
    let (limit, remaining, reset) = admitted(b.take(key, 3).await);
    assert_eq!((limit, remaining), (3, 1));
    assert!(reset < RateLimit::WINDOW && reset > Duration::from_secs(50), "{reset:?}");
    assert_eq!(admitted(b.take(key, 3).await).1, 0);
    let Verdict::Limited(limited) = a.take(key, 3).await else { panic!("the limit is 3") };
    assert!(limited.retry_after <= reset && limited.retry_after > Duration::from_secs(50), "{limited:?}");
    assert_eq!(a.limiter.state(), LimiterState::Shared);
}

#[tokio::test]
#[ignore = "needs Redis: run cargo xtask test"]
async fn changed_limit_applies_to_the_next_request_although_a_denial_is_remembered() {
    let instance = Instance::connect(&redis_url()).await;
    let key = fresh_key();
    assert!(instance.admits(key, 2).await && instance.admits(key, 2).await);
    assert!(!instance.admits(key, 2).await);
    assert!(instance.admits(key, 3).await, "the limit was raised");
    assert!(
        !instance.admits(key, 3).await && !instance.admits(key, 2).await && !instance.admits(key, 1).await
    );
    assert!(instance.admits(key, 4).await);
}

#[tokio::test]
#[ignore = "needs Redis: run cargo xtask test"]
async fn charges_are_all_counted_or_none() {
    let instance = Instance::connect(&redis_url()).await;
    let (wide, narrow, clock) = (fresh_key(), fresh_key(), SystemClock::new());
    let windows = [Window::new(), Window::new()];
    let limit = |n| RateLimit::per_minute(n).unwrap();
    let both = [
        Charge::one(Subject::Key(wide), limit(5), &windows[0]),
        Charge::one(Subject::Key(narrow), limit(1), &windows[1]),
    ];
    let acquire = async |charges| match instance.limiter.acquire(clock.monotonic(), &clock, charges) {
        Acquisition::Now(verdict) => verdict,
        Acquisition::Later(verdict) => verdict.await,
    };
    assert!(matches!(acquire(&both[..]).await, Verdict::Admitted(status) if status.remaining == 4));
    for _ in 0..2 {
        assert!(matches!(acquire(&both[..]).await, Verdict::Limited(by) if by.limit == limit(1)));
    }
    assert!(matches!(acquire(&both[..1]).await, Verdict::Admitted(status) if status.remaining == 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn flood_of_denied_requests_sends_almost_no_commands() {
    let server = tokio::task::spawn_blocking(|| PrivateServer::start(Engine::Redis)).await.unwrap();
    let instance = Instance::connect(&server.url()).await;
    let key = fresh_key();
    for _ in 0..60 {
        assert!(instance.admits(key, 60).await);
    }
    assert!(!instance.admits(key, 60).await);
    let before = commands(&server).await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let instance = instance.clone();
        tasks.spawn(async move {
            for _ in 0..25_000 {
                assert!(!instance.admits(key, 60).await);
            }
        });
    }
    tasks.join_all().await;
    let sent = commands(&server).await - before;
    assert!(sent < 10, "{sent} commands for 200,000 denied requests");
}

/// Returns how often the script has run.
async fn commands(server: &PrivateServer) -> u64 {
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let info: String = redis::cmd("INFO").arg("commandstats").query_async(&mut connection).await.unwrap();
    let line = info.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls=")).unwrap();
    line.split(',').next().unwrap().parse().unwrap()
}

#[tokio::test]
#[ignore = "needs Redis: run cargo xtask test"]
async fn script_that_the_server_has_forgotten_is_loaded_again() {
    let server = tokio::task::spawn_blocking(|| PrivateServer::start(Engine::Redis)).await.unwrap();
    let instance = Instance::connect(&server.url()).await;
    let key = fresh_key();
    assert!(instance.admits(key, 2).await);
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut connection).await.unwrap();
    assert!(matches!(instance.take(key, 2).await, Verdict::Admitted(status) if status.remaining == 0));
    assert_eq!(instance.limiter.state(), LimiterState::Shared);
}

#[tokio::test]
async fn wrong_urls_and_servers_that_are_not_there_are_errors_without_the_password() {
    for (url, is_url_error) in [
        ("http://user:pa55@127.0.0.1:1", true),
        ("redis://user:pa55@", true),
        ("pa55", true),
        ("redis://user:pa55@127.0.0.1:1", false),
    ] {
        let error = RedisLimiter::connect(url).await.unwrap_err();
        assert_eq!(matches!(error, ConnectError::Url(_)), is_url_error, "{url}: {error:?}");
        let text =
            format!("{error} {error:?} {:?}", std::error::Error::source(&error).map(ToString::to_string));
        assert!(!text.contains("pa55"), "{text}");
        assert!(!format!("{:?}", RedisLimiter::builder(url)).contains("pa55"));
    }
}
