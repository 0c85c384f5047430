use std::{
    collections::HashMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The time that a change may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which version of the conditions applies to which connection.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The version that applies to new connections.
    new: u64,
    /// The version that applies to each open connection.
    open: HashMap<u64, u64>,
    /// The number of connections so far, which is also the id of the last one.
    accepted: u64,
}

impl Progress {
    /// Notes that `version` applies to new connections.
    pub(crate) fn accept_under(&self, version: u64) {
        self.lock().new = version;
        self.changed.notify_all();
    }

    /// Notes that a connection was accepted, and returns its id.
    pub(crate) fn begin(&self, version: u64) -> u64 {
        let mut state = self.lock();
        state.accepted += 1;
        let id = state.accepted;
        state.open.insert(id, version);
        self.changed.notify_all();
        id
    }

    /// Notes that `version` applies to a connection.
    pub(crate) fn apply(&self, connection: u64, version: u64) {
        self.lock().open.insert(connection, version);
        self.changed.notify_all();
    }

    /// Notes that a connection has ended.
    pub(crate) fn end(&self, connection: u64) {
        self.lock().open.remove(&connection);
        self.changed.notify_all();
    }

    /// The number of connections that were accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.lock().accepted
    }

    /// Blocks until `version` or a later one applies to everything.
    pub(crate) fn wait_for_version(&self, version: u64) {
        self.wait(|state| state.new >= version && state.open.values().all(|applied| *applied >= version));
    }

    /// Blocks until `count` connections were accepted.
    pub(crate) fn wait_for_connections(&self, count: u64) {
        self.wait(|state| state.accepted >= count);
    }

    fn wait(&self, is_reached: impl Fn(&State) -> bool) {
        let waited = self.changed.wait_timeout_while(self.lock(), PATIENCE, |state| !is_reached(state));
        let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "the network does not get there in time: {state:?}");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
