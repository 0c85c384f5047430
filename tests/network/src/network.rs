use std::{
    env,
    net::SocketAddr,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{runtime, sync::watch};
use url::Url;

use crate::{Cut, Direction, acceptor::Acceptor, conditions::Conditions, progress::Progress, random::Random};

/// The environment variable with the seed of random cuts.
const SEED: &str = "APIKEYS_NETWORK_SEED";

/// A network between clients and one server. Dropping the value ends all connections.
#[derive(Debug)]
pub struct FaultyNetwork {
    address: SocketAddr,
    conditions: Option<watch::Sender<Conditions>>,
    progress: Arc<Progress>,
    random_cuts: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl FaultyNetwork {
    /// Creates a network that forwards connections to `target` without faults. The seed of random cuts is the
    /// number in the environment variable `APIKEYS_NETWORK_SEED`, or a new number, and is printed.
    #[must_use]
    pub fn to(target: SocketAddr) -> Self {
        let seed = match env::var(SEED) {
            Ok(seed) => seed.parse().unwrap_or_else(|error| panic!("{SEED} is not a number: {error}")),
            Err(_) => {
                let mut bytes = [0; 8];
                getrandom::fill(&mut bytes).unwrap();
                u64::from_ne_bytes(bytes)
            }
        };
        eprintln!("the seed of the network is {seed}; to repeat its cuts, set {SEED} to it");
        Self::with_seed(target, seed)
    }

    /// Creates a network in front of the server in `url`, in the same way as [`to`](Self::to). The URL has a port, or the
    /// scheme of PostgreSQL, MySQL or Redis.
    #[must_use]
    pub fn before(url: &str) -> Self {
        let url = Url::parse(url).expect("a URL");
        let default_port = || match url.scheme() {
            "postgres" | "postgresql" => Some(5432),
            "mysql" | "mariadb" => Some(3306),
            "redis" => Some(6379),
            _ => None,
        };
        let addresses = url.socket_addrs(default_port).expect("a URL with a host and a port");
        Self::to(*addresses.first().expect("an address of the host"))
    }

    /// Creates a network with a given seed. The places of random cuts depend on the seed and on the order in which
    /// connections are accepted.
    #[must_use]
    pub fn with_seed(target: SocketAddr, seed: u64) -> Self {
        let (sender, conditions) = watch::channel(Conditions::default());
        let progress = Arc::<Progress>::default();
        let random_cuts = Arc::<AtomicU64>::default();
        let (started, address) = mpsc::channel();
        let thread = {
            let (progress, random_cuts) = (Arc::clone(&progress), Arc::clone(&random_cuts));
            thread::spawn(move || {
                let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let listener = Acceptor::listen().unwrap();
                    let address = listener.local_addr().unwrap();
                    started.send(address).unwrap();
                    let random = Random::new(seed);
                    Acceptor { address, target, conditions, random, progress, random_cuts }
                        .run(listener)
                        .await;
                });
            })
        };
        let address = address.recv().expect("the thread of the network starts");
        Self { address, conditions: Some(sender), progress, random_cuts, thread: Some(thread) }
    }

    /// The address to which clients connect.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns `url` with the address of the network in place of the server's address.
    #[must_use]
    pub fn url(&self, url: &str) -> String {
        let mut url = Url::parse(url).expect("a URL");
        url.set_ip_host(self.address.ip()).expect("a URL with a host");
        url.set_port(Some(self.address.port())).expect("a URL with a port");
        url.into()
    }

    /// Cuts all connections. New connections are not affected.
    pub fn cut(&self, cut: Cut) {
        self.change(|conditions| {
            conditions.cuts += 1;
            conditions.cut = cut;
        });
    }

    /// Refuses new connections, as a machine does on which no server runs. Existing connections are not affected.
    pub fn refuse(&self) {
        self.change(|conditions| conditions.refuses = true);
    }

    /// Accepts new connections after [`refuse`](Self::refuse).
    pub fn accept(&self) {
        self.change(|conditions| conditions.refuses = false);
    }

    /// Delays each chunk of data in both directions by `delay`. A chunk is what the network reads at once, and has at most
    /// 16 KiB. The next chunk is read when the last one has been forwarded. Data that was read before the change
    /// keeps its delay.
    pub fn delay(&self, delay: Duration) {
        self.change(|conditions| conditions.delay = delay);
    }

    /// Forwards nothing, although new connections are accepted. Nobody is told.
    pub fn freeze(&self) {
        self.change(|conditions| conditions.frozen = true);
    }

    /// Forwards data again after [`freeze`](Self::freeze). No data has been lost.
    pub fn thaw(&self) {
        self.change(|conditions| conditions.frozen = false);
    }

    /// Closes one direction of all connections. The receiver finds the end of the data. The sender is not told, and
    /// what it sends is dropped. The other direction is not affected.
    pub fn half_close(&self, direction: Direction) {
        self.change(|conditions| match direction {
            Direction::ToServer => conditions.closes_to_server += 1,
            Direction::ToClient => conditions.closes_to_client += 1,
        });
    }

    /// Cuts each new connection after a random number of bytes in `range`, counted from the beginning of the connection in
    /// one direction, which is random too. Exactly this number of bytes is forwarded in this direction. `None`
    /// ends this for new connections.
    pub fn cut_at_random(&self, range: Option<(RangeInclusive<u64>, Cut)>) {
        if let Some((range, _)) = &range {
            assert!(*range.start() > 0 && !range.is_empty(), "a range of numbers of at least one byte");
        }
        self.change(|conditions| conditions.random_cuts = range);
    }

    /// The number of connections that were accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.progress.accepted()
    }

    /// Blocks until the network has accepted `count` connections since its creation.
    ///
    /// A client's `connect` can return before the network has accepted the connection. A change of the network that comes
    /// in between treats the connection as a new one.
    pub fn wait_until_accepted(&self, count: u64) {
        self.progress.wait_for_connections(count);
    }

    /// The number of connections that were cut after a random number of bytes.
    #[must_use]
    pub fn random_cuts(&self) -> u64 {
        self.random_cuts.load(Ordering::SeqCst)
    }

    fn change(&self, change: impl FnOnce(&mut Conditions)) {
        let mut version = 0;
        self.conditions.as_ref().expect("a network that was not dropped").send_modify(|conditions| {
            change(conditions);
            conditions.version += 1;
            version = conditions.version;
        });
        self.progress.wait_for_version(version);
    }
}

impl Drop for FaultyNetwork {
    fn drop(&mut self) {
        // The thread ends when the sender is gone.
        drop(self.conditions.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
