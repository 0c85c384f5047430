use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Method;

/// What goes wrong in a call.
///
/// Exhaustive, like [`Method`]: a table of all faults stops compiling when one is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tables of faults must notice a new one")]
pub enum Fault {
    /// The call does nothing and returns `Unavailable`.
    Error,
    /// The call does nothing and returns `Rejected`.
    Rejected,
    /// The call waits this long on the store's clock, then does its work. A delay of zero lets the
    /// call pass, so that a script can let some calls succeed.
    Delay(Duration),
    /// The call does nothing and never returns.
    Hang,
    /// The call does its work and returns `Unavailable` nevertheless.
    AfterCommit,
}

/// The faults of a [`FaultStore`](super::FaultStore), and the number of its calls.
///
/// Clones share both, so a test can keep one and change the faults while the store is in use. A
/// call first uses up the faults queued by [`once`](Self::once) and [`times`](Self::times), and
/// then the one set by [`set`](Self::set). Without either, the call succeeds.
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
    /// Makes every further call of `method` meet `fault`.
    pub fn set(&self, method: Method, fault: Fault) {
        self.lock().entry(method).or_default().standing = Some(fault);
    }

    /// Makes every further call of every method meet `fault`, as if the store were down.
    pub fn set_all(&self, fault: Fault) {
        for method in Method::ALL {
            self.set(method, fault);
        }
    }

    /// Makes one call of `method` meet `fault`: the next one, or the one after those queued.
    pub fn once(&self, method: Method, fault: Fault) {
        self.times(1, method, fault);
    }

    /// Makes `number` calls of `method` meet `fault`: the next ones, or those after the queued ones.
    pub fn times(&self, number: usize, method: Method, fault: Fault) {
        self.lock().entry(method).or_default().queued.extend(std::iter::repeat_n(fault, number));
    }

    /// Removes all faults. Calls that hang already go on hanging, and the counts are kept.
    pub fn clear(&self) {
        for script in self.lock().values_mut() {
            script.queued.clear();
            script.standing = None;
        }
    }

    /// Returns how often `method` has been called, whatever the outcome.
    #[must_use]
    pub fn calls(&self, method: Method) -> u64 {
        self.lock().get(&method).map_or(0, |script| script.calls)
    }

    /// Returns how often any method has been called.
    #[must_use]
    pub fn all_calls(&self) -> u64 {
        self.lock().values().map(|script| script.calls).sum()
    }

    /// Counts a call of `method` and returns its fault, if it has one.
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
