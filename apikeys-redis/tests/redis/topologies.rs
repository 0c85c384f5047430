//! The limiter with TLS, on Redis Cluster, and with a primary server that Sentinel knows.

use std::{
    collections::HashMap,
    fs,
    time::{Duration, Instant},
};

use apikeys_core::{
    KeyId, Limiter,
    limiter::{LimiterState, Verdict},
};
use apikeys_redis::{ConnectError, Fallback, RedisLimiter};
use apikeys_test_servers::PrivateServer;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use redis::{Client, FromRedisValue, RedisResult};
use tokio::time::sleep;

use crate::limiter::{Instance, ON_A_CLUSTER, PERMISSIONS, WITH_SENTINEL, fresh_key};

/// The longest time until servers know each other or have changed their roles.
const PATIENCE: Duration = Duration::from_secs(30);

/// The user of the limiter on all servers of a test.
const USER: (&str, &str) = ("limiter", "only-for-tests");

/// The user of the servers and of the sentinel on all servers of a test.
const ADMIN: (&str, &str) = ("admin", "only-for-tests");

/// One of several servers.
struct Node {
    server: PrivateServer,
}

impl Node {
    async fn start(arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let server = tokio::task::spawn_blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            PrivateServer::start_redis(&arguments)
        });
        Self { server: server.await.unwrap() }
    }

    fn port(&self) -> String {
        self.server.server().port().to_string()
    }

    /// The URL of the server for the limiter.
    fn url(&self) -> String {
        format!("redis://{}:{}@127.0.0.1:{}", USER.0, USER.1, self.port())
    }

    /// Sends a command with arguments that are separated by spaces, and returns the reply.
    async fn run<T: FromRedisValue>(&self, command: &str) -> T {
        self.try_run(command).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    async fn try_run<T: FromRedisValue>(&self, command: &str) -> RedisResult<T> {
        // Sentinel ends the connections of a server whose role it changes, so each command has its own.
        let client = Client::open(self.server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await?;
        let (name, arguments) = command.split_once(' ').unwrap();
        let mut cmd = redis::cmd(name);
        cmd.arg(arguments.split(' ').collect::<Vec<_>>());
        cmd.query_async(&mut connection).await
    }

    /// Creates the user of the limiter, with the permissions that the docs name.
    async fn add_user(&self, more: &str) {
        let (name, password) = USER;
        let () =
            self.run(&format!("ACL SETUSER {name} on >{password} ~apikeys:* {PERMISSIONS} {more}")).await;
    }

    /// Waits until the reply to a command contains a text.
    async fn wait_for(&self, command: &str, text: &str) {
        let began = Instant::now();
        loop {
            let reply = self.try_run::<String>(command).await;
            if reply.as_ref().is_ok_and(|reply| reply.contains(text)) {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{command} never has {text}: {reply:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Starts a cluster of three primary servers. Its nodes know each other.
async fn cluster() -> Vec<Node> {
    let mut nodes = Vec::new();
    for _ in 0..3 {
        let port = free_port().to_string();
        nodes.push(Node::start(&["--cluster-enabled", "yes", "--cluster-port", &port]).await);
    }
    for (node, slots) in nodes.iter().zip(["0 5460", "5461 10922", "10923 16383"]) {
        node.add_user(ON_A_CLUSTER).await;
        let () = node.run(&format!("CLUSTER ADDSLOTSRANGE {slots}")).await;
    }
    let [first, others @ ..] = &nodes[..] else { unreachable!() };
    for other in others {
        let bus: Vec<String> = other.run("CONFIG GET cluster-port").await;
        let () = first.run(&format!("CLUSTER MEET 127.0.0.1 {} {}", other.port(), bus[1])).await;
    }
    for node in &nodes {
        node.wait_for("CLUSTER INFO", "cluster_state:ok").await;
    }
    nodes
}

/// Returns a port that nothing uses and that the system does not give to outgoing connections.
fn free_port() -> u16 {
    let mut random =
        crate::random::Random::new(u64::from_be_bytes(fresh_key().as_bytes()[..8].try_into().unwrap()));
    loop {
        let port = 10_000 + random.below(10_000) as u16;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn instances_share_limits_on_a_cluster_also_after_a_slot_has_moved() {
    let mut nodes = cluster().await;
    let connect = async |node: &Node| {
        let limiter = RedisLimiter::cluster([node.url().as_str()]).fallback(Fallback::Refuse).connect().await;
        Instance::with(limiter.unwrap())
    };
    let instances = [connect(&nodes[0]).await, connect(&nodes[2]).await];
    let keys: Vec<KeyId> = (0..60).map(|_| fresh_key()).collect();
    for key in &keys {
        assert!(instances[0].admits(*key, 3).await && instances[1].admits(*key, 3).await);
    }
    for node in &nodes {
        let windows: Vec<String> = node.run("KEYS apikeys:{*").await;
        assert!(windows.len() > 5, "all windows are on other nodes");
    }

    // Moves the slots of the first node's windows to the second node.
    let [from, to, _] = &nodes[..] else { unreachable!() };
    let (from_id, to_id): (String, String) = (from.run("CLUSTER MYID").await, to.run("CLUSTER MYID").await);
    let target = format!("127.0.0.1 {}", to.port());
    let (user, password) = ("apikeys", to.server.server().password().to_owned());
    let windows: Vec<String> = from.run("KEYS apikeys:{*").await;
    for window in &windows {
        let slot: u32 = from.run(&format!("CLUSTER KEYSLOT {window}")).await;
        let () = to.run(&format!("CLUSTER SETSLOT {slot} IMPORTING {from_id}")).await;
        let () = from.run(&format!("CLUSTER SETSLOT {slot} MIGRATING {to_id}")).await;
        let () = from.run(&format!("MIGRATE {target} {window} 0 5000 AUTH2 {user} {password}")).await;
        let () = to.run(&format!("CLUSTER SETSLOT {slot} NODE {to_id}")).await;
        let () = from.run(&format!("CLUSTER SETSLOT {slot} NODE {to_id}")).await;
    }

    for (number, key) in keys.iter().enumerate() {
        let [first, second] = [&instances[number % 2], &instances[1 - number % 2]];
        let verdict = first.take(*key, 3).await;
        assert!(matches!(verdict, Verdict::Admitted(status) if status.remaining == 0), "{verdict:?}");
        assert!(matches!(second.take(*key, 3).await, Verdict::Limited(_)));
    }
    assert!(instances.iter().all(|instance| instance.limiter.state() == LimiterState::Shared));

    // While a node is away, all decisions are the fallback's. When the node is back, it knows no windows.
    let limiter = &instances[0].limiter;
    nodes[2].server.kill();
    let admitted = count_all(&instances[0], &keys).await;
    assert!(admitted == 0 && limiter.state() == LimiterState::Away, "{admitted}");
    nodes[2].server.restart();
    nodes[2].add_user(ON_A_CLUSTER).await;
    let began = Instant::now();
    while limiter.state() != LimiterState::Shared {
        assert!(began.elapsed() < PATIENCE, "the limiter does not come back");
        sleep(Duration::from_millis(10)).await;
    }
    let admitted = count_all(&instances[0], &keys).await;
    assert!((5..keys.len()).contains(&admitted), "the keys of one node of three: {admitted}");
}

/// Makes a request with each key, and returns the number of those that were admitted.
async fn count_all(instance: &Instance, keys: &[KeyId]) -> usize {
    let mut admitted = 0;
    for key in keys {
        // The instance does not remember a denial of another limit.
        admitted += usize::from(instance.admits(*key, 2).await);
    }
    admitted
}

/// Returns the certificate of a new authority, and a certificate for this machine that it has issued, with its key.
fn certificates() -> (String, String, String) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    (authority.pem(), certificate.pem(), key.serialize_pem())
}

#[tokio::test]
#[ignore = "needs Redis: run cargo xtask test"]
async fn limiter_uses_tls_and_trusts_only_the_authority_that_is_given() {
    let node = Node::start(&[]).await;
    node.add_user("").await;
    let (authority, certificate, key) = certificates();
    let files = [("tls-ca-cert-file", &authority), ("tls-cert-file", &certificate), ("tls-key-file", &key)];
    for (name, pem) in files {
        let path = node.server.server().folder().join(name);
        fs::write(&path, pem).unwrap();
        let () = node.run(&format!("CONFIG SET {name} {}", path.display())).await;
    }
    let port = free_port();
    let () = node.run("CONFIG SET tls-auth-clients no").await;
    let () = node.run(&format!("CONFIG SET tls-port {port}")).await;

    let url = |scheme| format!("{scheme}://{}:{}@127.0.0.1:{port}", USER.0, USER.1);
    let builder = || RedisLimiter::builder(&url("rediss"));
    let limiter = builder().root_certificate(authority.as_bytes()).connect().await.unwrap();
    let (instance, key) = (Instance::with(limiter), fresh_key());
    assert!(instance.admits(key, 1).await && !instance.admits(key, 1).await);
    assert_eq!(instance.limiter.state(), LimiterState::Shared);

    let (another, ..) = certificates();
    for builder in
        [builder(), builder().root_certificate(another.as_bytes()), RedisLimiter::builder(&url("redis"))]
    {
        let error = builder.connect().await.unwrap_err();
        assert!(matches!(error, ConnectError::Unavailable(_)), "{error:?}");
    }
}

/// A primary server with a replica, and a sentinel that knows both.
struct Sentinel {
    primary: Node,
    replica: Node,
    sentinel: Node,
}

impl Sentinel {
    async fn start() -> Self {
        let servers = Self {
            primary: Node::start(&[]).await,
            replica: Node::start(&[]).await,
            sentinel: Node::start(&["--sentinel"]).await,
        };
        let Self { primary, replica, sentinel } = &servers;
        for server in [primary, replica] {
            server.add_user(WITH_SENTINEL).await;
            // After a failover, each server replicates the other.
            let (name, password) = ADMIN;
            let () = server.run(&format!("ACL SETUSER {name} on >{password} ~* &* +@all")).await;
            let () = server.run(&format!("CONFIG SET masteruser {name}")).await;
            let () = server.run(&format!("CONFIG SET masterauth {password}")).await;
        }
        let () = replica.run(&format!("REPLICAOF 127.0.0.1 {}", primary.port())).await;
        replica.wait_for("INFO replication", "master_link_status:up").await;
        monitor(sentinel, primary).await;
        // Sentinel promotes only replicas that it has asked for their state.
        let began = Instant::now();
        loop {
            let known: Vec<HashMap<String, String>> = sentinel.run("SENTINEL REPLICAS limits").await;
            let is =
                |field, value| known.iter().any(|replica| replica.get(field).is_some_and(|is| is == value));
            if is("flags", "slave") && is("master-link-status", "ok") {
                return servers;
            }
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "Sentinel does not know the replica: {known:?}"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn connect(&self) -> Instance {
        let server = format!("redis://{}:{}@unused", USER.0, USER.1);
        let limiter = RedisLimiter::sentinel([self.sentinel.server.url().as_str()], "limits", &server);
        Instance::with(limiter.fallback(Fallback::Refuse).connect().await.unwrap())
    }
}

/// Tells a sentinel which server is the primary one.
async fn monitor(sentinel: &Node, primary: &Node) {
    let (name, password) = ADMIN;
    let () = sentinel.run(&format!("SENTINEL MONITOR limits 127.0.0.1 {} 1", primary.port())).await;
    for setting in [&format!("auth-user {name}"), &format!("auth-pass {password}"), "failover-timeout 5000"] {
        let () = sentinel.run(&format!("SENTINEL SET limits {setting}")).await;
    }
}

/// Counts the requests that are admitted in `time`.
async fn count(instance: &Instance, key: KeyId, limit: u32, time: Duration) -> u32 {
    let (began, mut admitted) = (Instant::now(), 0);
    while began.elapsed() < time {
        admitted += u32::from(instance.admits(key, limit).await);
        sleep(Duration::from_millis(2)).await;
    }
    admitted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn replica_that_is_behind_and_is_promoted_by_hand_admits_the_limit_once_more() {
    let mut servers = Sentinel::start().await;
    let (instance, key, second) = (servers.connect().await, fresh_key(), Duration::from_secs(1));
    // From now on, the replica is behind.
    let () = servers.replica.run("CONFIG SET masterauth wrong").await;
    let _: i64 = servers.primary.run("CLIENT KILL TYPE replica").await;
    assert_eq!(count(&instance, key, 20, second).await, 20);

    let requests = tokio::spawn({
        let instance = instance.clone();
        // The instance does not remember a denial of another limit.
        async move { count(&instance, key, 21, 6 * second).await }
    });
    servers.primary.server.kill();
    let () = servers.replica.run("REPLICAOF NO ONE").await;
    let () = servers.sentinel.run("SENTINEL REMOVE limits").await;
    monitor(&servers.sentinel, &servers.replica).await;
    let more = requests.await.unwrap();
    assert!((21..=22).contains(&more), "one on the old server, and the limit of 21 on the new one: {more}");
    assert_eq!(instance.limiter.state(), LimiterState::Shared);
    assert_eq!(count(&servers.connect().await, key, 21, second).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Redis: run cargo xtask test"]
async fn failover_by_sentinel_admits_at_most_the_limit_once_more_and_the_limiter_comes_back() {
    const LIMIT: u32 = 1_000;
    let servers = Sentinel::start().await;
    let instances = [servers.connect().await, servers.connect().await];
    let (key, time) = (fresh_key(), Duration::from_secs(12));
    let start = |key, limit| {
        instances
            .clone()
            .map(|instance| tokio::spawn(async move { count(&instance, key, limit, time).await }))
    };
    // When the limit of the first key is used up, the instances ask no longer. The other key is used until the end.
    let (requests, others) = (start(key, LIMIT), start(fresh_key(), 10_000));
    sleep(Duration::from_millis(300)).await;
    let () = servers.sentinel.run("SENTINEL FAILOVER limits").await;
    servers.replica.wait_for("INFO replication", "role:master").await;
    servers.primary.wait_for("INFO replication", "role:slave").await;
    let mut admitted = 0;
    for requests in requests {
        admitted += requests.await.unwrap();
    }
    for others in others {
        assert!(others.await.unwrap() > 0);
    }
    println!("{admitted} requests were admitted");
    assert!((LIMIT..=2 * LIMIT).contains(&admitted), "{admitted}");
    for instance in instances {
        assert_eq!(instance.limiter.state(), LimiterState::Shared);
        assert!(instance.admits(fresh_key(), 1).await);
    }
}
