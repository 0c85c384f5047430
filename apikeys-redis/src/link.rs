use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use apikeys_core::RateLimit;
use tokio::{
    runtime::Handle,
    time::{sleep, timeout},
};

use crate::{
    connection::{CONNECT_TIMEOUT, Connection, Connector},
    error::Failure,
    observe::Observer,
    script::{Decision, Script, Take},
};

/// The pauses between two attempts to connect.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The connection to Redis. While it is lost, decisions fail at once, and one task tries to connect again.
pub(crate) struct Link {
    connector: Connector,
    script: Script,
    timeout: Duration,
    runtime: Handle,
    observer: Observer,
    state: Mutex<State>,
    /// Whether `state` has a connection.
    is_up: AtomicBool,
}

struct State {
    connection: Option<Connection>,
    /// The number of connections that were made. A failure of an older connection says nothing about this one.
    generation: u64,
    connected_at: Instant,
}

impl Link {
    /// Creates a link without a connection.
    pub(crate) fn new(connector: Connector, timeout: Duration, runtime: Handle) -> Self {
        let state = State { connection: None, generation: 0, connected_at: Instant::now() };
        Self {
            connector,
            script: Script::new(),
            timeout,
            runtime,
            observer: Observer::new(),
            state: Mutex::new(state),
            is_up: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::SeqCst)
    }

    pub(crate) const fn observer(&self) -> &Observer {
        &self.observer
    }

    /// Connects, and tests the connection with the script. `probe` is a key that is written.
    pub(crate) async fn connect(&self, probe: String) -> Result<(), Failure> {
        let connection = self.attempt(probe, CONNECT_TIMEOUT).await?;
        self.found(connection);
        Ok(())
    }

    /// Asks Redis to decide. Returns `None` if there is no connection, or if Redis does not decide in time. Then the
    /// connection is given up, and a new one is tested with the key `probe`.
    pub(crate) async fn decide(
        self: &Arc<Self>,
        takes: &[Take],
        probe: impl FnOnce() -> String,
    ) -> Option<Decision> {
        let (mut connection, generation) = {
            let state = self.lock();
            (state.connection.clone()?, state.generation)
        };
        let failure = match timeout(self.timeout, self.script.decide(&mut connection, takes)).await {
            Ok(Ok(decision)) => return Some(decision),
            Ok(Err(error)) => Failure::Redis(error),
            Err(_) => Failure::TimedOut,
        };
        self.observer.failed();
        self.lost(generation, &failure, probe);
        None
    }

    /// Tries to connect until that succeeds, in a task of its own.
    pub(crate) fn connect_in_background(self: &Arc<Self>, first_pause: Duration, probe: String) {
        self.runtime.spawn(reconnect(Arc::downgrade(self), first_pause, probe));
    }

    /// Gives up a connection, unless another has replaced it meanwhile.
    fn lost(self: &Arc<Self>, generation: u64, failure: &Failure, probe: impl FnOnce() -> String) {
        let mut state = self.lock();
        if state.generation != generation || state.connection.take().is_none() {
            return;
        }
        self.is_up.store(false, Ordering::SeqCst);
        let (shortest, longest) = PAUSES;
        // A server that fails as soon as it is used again is not asked all the time.
        let first_pause = if state.connected_at.elapsed() < longest { shortest } else { Duration::ZERO };
        drop(state);
        self.observer.lost(failure);
        self.connect_in_background(first_pause, probe());
    }

    /// Uses a new connection from now on.
    fn found(&self, connection: Connection) {
        let mut state = self.lock();
        state.connection = Some(connection);
        state.generation += 1;
        state.connected_at = Instant::now();
        self.is_up.store(true, Ordering::SeqCst);
        drop(state);
        self.observer.found();
    }

    /// Opens a connection and lets the script decide on it, which also shows that the server accepts writes.
    async fn attempt(&self, probe: String, longest: Duration) -> Result<Connection, Failure> {
        let connection = timeout(CONNECT_TIMEOUT, self.connector.connect()).await;
        let mut connection = connection.map_err(|_| Failure::TimedOut)??;
        let take = [Take { key: probe, limit: RateLimit::MAX, cost: 1 }];
        let decided = timeout(longest, self.script.decide(&mut connection, &take)).await;
        decided.map_err(|_| Failure::TimedOut)??;
        Ok(connection)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("connector", &self.connector)
            .field("timeout", &self.timeout)
            .field("is_up", &self.is_up())
            .finish_non_exhaustive()
    }
}

/// Makes one attempt to connect after the other, until one succeeds or the link is dropped.
async fn reconnect(link: Weak<Link>, first_pause: Duration, probe: String) {
    let mut pause = first_pause;
    let (shortest, longest) = PAUSES;
    loop {
        sleep(pause).await;
        let Some(link) = link.upgrade() else { return };
        match link.attempt(probe.clone(), link.timeout).await {
            Ok(connection) => return link.found(connection),
            Err(failure) => link.observer.still_away(&failure),
        }
        pause = (pause * 2).clamp(shortest, longest);
    }
}
