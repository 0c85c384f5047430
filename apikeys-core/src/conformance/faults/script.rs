use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A method of [`KeyStore`](crate::store::KeyStore).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Method {
    /// `find`
    Find,
    /// `schemes`
    Schemes,
    /// `org`
    Org,
    /// `key`
    Key,
    /// `keys`
    Keys,
    /// `commit`
    Commit,
    /// `open_writer`
    OpenWriter,
    /// `record`
    Record,
    /// `audit`
    Audit,
    /// `usage`
    Usage,
}

/// What goes wrong in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing is done, and the answer is `Unavailable`.
    Error,
    /// Nothing is done, and the answer is `Rejected`.
    Rejected,
    /// It is done after so long on the store's clock. Without any delay, nothing goes wrong: so
    /// a script can let calls pass.
    Delay(Duration),
    /// Nothing is done, and there is no answer ever.
    Hang,
    /// It is done, and the answer is `Unavailable` nevertheless.
    AfterCommit,
}

/// What goes wrong in a [`FaultStore`](super::FaultStore), and how often it was called.
///
/// Clones share it: keep one to change the faults while the store is in use. Nothing goes wrong
/// until something is set. A call first uses up what [`once`](Self::once) and
/// [`times`](Self::times) have put in line, then meets what [`set`](Self::set) has set.
#[derive(Clone, Default)]
pub struct Faults {
    scripts: Arc<Mutex<HashMap<Method, Script>>>,
}

#[derive(Debug, Default)]
struct Script {
    line: VecDeque<Fault>,
    standing: Option<Fault>,
    calls: u64,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Find,
        Self::Schemes,
        Self::Org,
        Self::Key,
        Self::Keys,
        Self::Commit,
        Self::OpenWriter,
        Self::Record,
        Self::Audit,
        Self::Usage,
    ];

    /// The method's name, as `open_writer`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Schemes => "schemes",
            Self::Org => "org",
            Self::Key => "key",
            Self::Keys => "keys",
            Self::Commit => "commit",
            Self::OpenWriter => "open_writer",
            Self::Record => "record",
            Self::Audit => "audit",
            Self::Usage => "usage",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Faults {
    /// Every call of `method` meets `fault` from now on.
    pub fn set(&self, method: Method, fault: Fault) {
        self.lock().entry(method).or_default().standing = Some(fault);
    }

    /// Every call of every method meets `fault` from now on, as if the store were away.
    pub fn set_all(&self, fault: Fault) {
        for method in Method::ALL {
            self.set(method, fault);
        }
    }

    /// One call of `method` meets `fault`: the next, or the one after those in line.
    pub fn once(&self, method: Method, fault: Fault) {
        self.times(1, method, fault);
    }

    /// So many calls of `method` meet `fault`: the next, or those after the ones in line.
    pub fn times(&self, number: usize, method: Method, fault: Fault) {
        self.lock().entry(method).or_default().line.extend(std::iter::repeat_n(fault, number));
    }

    /// Nothing goes wrong any more. Calls that hang already go on hanging; counts stay.
    pub fn clear(&self) {
        for script in self.lock().values_mut() {
            script.line.clear();
            script.standing = None;
        }
    }

    /// How many calls of `method` there were, whatever became of them.
    #[must_use]
    pub fn calls(&self, method: Method) -> u64 {
        self.lock().get(&method).map_or(0, |script| script.calls)
    }

    /// How many calls there were of all methods together.
    #[must_use]
    pub fn all_calls(&self) -> u64 {
        self.lock().values().map(|script| script.calls).sum()
    }

    /// Counts a call, and tells what goes wrong in it.
    pub(super) fn meet(&self, method: Method) -> Option<Fault> {
        let mut scripts = self.lock();
        let script = scripts.entry(method).or_default();
        script.calls += 1;
        script.line.pop_front().or(script.standing)
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
