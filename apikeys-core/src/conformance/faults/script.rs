use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Method;

/// The way in which a call fails.
///
/// This enum is exhaustive, like [`Method`]. If a fault is added, a `match` over all faults no longer
/// compiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tables of faults must notice a new one")]
pub enum Fault {
    /// The call does nothing and returns `Unavailable`.
    Error,
    /// The call does nothing and returns `Rejected`.
    Rejected,
    /// The call waits for this duration on the clock of the [`FaultStore`](super::FaultStore). Then the wrapped
    /// store executes the call. A delay of zero lets a call pass unchanged, for example between two queued
    /// faults.
    Delay(Duration),
    /// The call does nothing and never returns.
    Hang,
    /// The wrapped store executes the call. If the wrapped store succeeds, the call returns `Unavailable`
    /// nevertheless.
    AfterCommit,
}

/// The faults of a [`FaultStore`](super::FaultStore), and the number of its calls.
///
/// Clones share the faults and the numbers of calls, so that a test can change the faults while the store is
/// in use. A call takes the next fault that [`once`](Self::once) or [`times`](Self::times) has queued. If no
/// fault is queued, the fault of the last [`set`](Self::set) or [`set_all`](Self::set_all) applies. If no
/// fault applies, the call is forwarded to the store.
#[derive(Clone, Default)]
pub struct Faults {
    scripts: Arc<Mutex<HashMap<Method, Script>>>,
}

#[derive(Debug, Default)]
struct Script {
    queued: VecDeque<Fault>,
    standing: Option<Fault>,
    calls: u64,
}

impl Faults {
    /// Sets `fault` for all further calls of `method`.
    pub fn set(&self, method: Method, fault: Fault) {
        self.lock().entry(method).or_default().standing = Some(fault);
    }

    /// Sets `fault` for all further calls of all methods, as if the store were down.
    pub fn set_all(&self, fault: Fault) {
        for method in Method::ALL {
            self.set(method, fault);
        }
    }

    /// Queues `fault` for one call of `method`, after the faults that are already queued.
    pub fn once(&self, method: Method, fault: Fault) {
        self.times(1, method, fault);
    }

    /// Queues `fault` for `number` calls of `method`, after the faults that are already queued.
    pub fn times(&self, number: usize, method: Method, fault: Fault) {
        self.lock().entry(method).or_default().queued.extend(std::iter::repeat_n(fault, number));
    }

    /// Removes all faults. Calls that already hang do not return, and the numbers of calls are kept.
    pub fn clear(&self) {
        for script in self.lock().values_mut() {
            script.queued.clear();
            script.standing = None;
        }
    }

    /// Returns the number of calls of `method`, including calls that failed.
    #[must_use]
    pub fn calls(&self, method: Method) -> u64 {
        self.lock().get(&method).map_or(0, |script| script.calls)
    }

    /// Returns the number of calls of all methods together.
    #[must_use]
    pub fn all_calls(&self) -> u64 {
        self.lock().values().map(|script| script.calls).sum()
    }

    /// Counts a call of `method` and returns the fault of the call, or `None` if the call has no fault.
    pub(super) fn next(&self, method: Method) -> Option<Fault> {
        let mut scripts = self.lock();
        let script = scripts.entry(method).or_default();
        script.calls += 1;
        script.queued.pop_front().or(script.standing)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Method, Script>> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.lock().iter()).finish()
    }
}
