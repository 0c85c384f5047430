//! The shared database. Each request is one transaction.

/// The number of keys.
pub(crate) const KEYS: usize = 3;
/// The number of organizations.
pub(crate) const ORGS: usize = 2;

pub(crate) const fn org_of(key: usize) -> usize {
    key % ORGS
}

/// What a change changes, and what evictions name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Object {
    Key(usize),
    Org(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    SetActive(usize, bool),
    Delete(usize),
    SetPlan(usize, bool),
}

impl Change {
    pub(crate) const fn object(self) -> Object {
        match self {
            Self::SetActive(key, _) | Self::Delete(key) => Object::Key(key),
            Self::SetPlan(org, _) => Object::Org(org),
        }
    }
}

/// The number of times that each object was changed. A higher version is a newer state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Versions {
    keys: [u64; KEYS],
    orgs: [u64; ORGS],
}

impl Versions {
    pub(crate) const fn of(&self, object: Object) -> u64 {
        match object {
            Object::Key(key) => self.keys[key],
            Object::Org(org) => self.orgs[org],
        }
    }

    pub(crate) fn raise(&mut self, object: Object, version: u64) {
        let place = match object {
            Object::Key(key) => &mut self.keys[key],
            Object::Org(org) => &mut self.orgs[org],
        };
        *place = version.max(*place);
    }

    /// Returns the versions that a verification of the key needs.
    pub(crate) const fn entry(&self, key: usize) -> Entry {
        Entry { key: self.keys[key], org: self.orgs[org_of(key)] }
    }
}

/// The versions of a key and of its organization that a verification uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: u64,
    pub(crate) org: u64,
}

impl Entry {
    /// Returns the newer versions of both.
    pub(crate) fn or_newer(self, other: Self) -> Self {
        Self { key: self.key.max(other.key), org: self.org.max(other.org) }
    }

    pub(crate) const fn is_at_least(self, other: Self) -> bool {
        self.key >= other.key && self.org >= other.org
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Request {
    /// Registers an instance under a number that was never used.
    Register {
        row: u64,
        lease: u64,
    },
    Poll {
        row: u64,
        applied: u64,
    },
    Acknowledge {
        row: u64,
        applied: u64,
    },
    Read {
        key: usize,
    },
    Commit(Change),
    /// Asks for the instances except `own` that have not applied a revision.
    Behind {
        revision: u64,
        own: Option<u64>,
    },
    /// Removes instances that still have not applied a revision.
    Fence {
        rows: Vec<u64>,
        revision: u64,
    },
}

#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Registered {
        revision: u64,
    },
    /// The changes are those after the revision that the instance has applied. They are `None` if the log no longer has them.
    Polled {
        registered: bool,
        revision: u64,
        changes: Option<Vec<Object>>,
    },
    Acknowledged {
        registered: bool,
    },
    Read(Entry),
    Committed {
        outcome: Outcome,
        revision: u64,
        version: u64,
    },
    /// The rows, with the length of their leases.
    Behind(Vec<(u64, u64)>),
    Fenced,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Changed,
    NothingToDo,
    NotFound,
}

#[derive(Debug)]
struct Row {
    number: u64,
    lease: u64,
    applied: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    revision: u64,
    versions: Versions,
    inactive: [bool; KEYS],
    deleted: [bool; KEYS],
    plans: [bool; ORGS],
    /// The objects of the changes from revision 1 on.
    log: Vec<Object>,
    /// The log has no changes up to this revision.
    trimmed: u64,
    rows: Vec<Row>,
}

impl Store {
    pub(crate) fn execute(&mut self, request: &Request) -> Reply {
        match request {
            Request::Register { row, lease } => {
                self.rows.push(Row { number: *row, lease: *lease, applied: self.revision });
                Reply::Registered { revision: self.revision }
            }
            Request::Poll { row, applied } => Reply::Polled {
                registered: self.rows.iter().any(|other| other.number == *row),
                revision: self.revision,
                changes: (*applied >= self.trimmed)
                    .then(|| self.log[usize::try_from(*applied).unwrap()..].to_vec()),
            },
            Request::Acknowledge { row, applied } => {
                let row = self.rows.iter_mut().find(|other| other.number == *row);
                let registered = row.is_some();
                if let Some(row) = row {
                    row.applied = row.applied.max(*applied);
                }
                Reply::Acknowledged { registered }
            }
            Request::Read { key } => Reply::Read(self.versions.entry(*key)),
            Request::Commit(change) => self.commit(*change),
            Request::Behind { revision, own } => {
                let behind = |row: &&Row| row.applied < *revision && Some(row.number) != *own;
                Reply::Behind(self.rows.iter().filter(behind).map(|row| (row.number, row.lease)).collect())
            }
            Request::Fence { rows, revision } => {
                self.rows.retain(|row| row.applied >= *revision || !rows.contains(&row.number));
                Reply::Fenced
            }
        }
    }

    /// Removes all changes from the log.
    pub(crate) const fn trim(&mut self) {
        self.trimmed = self.revision;
    }

    fn commit(&mut self, change: Change) -> Reply {
        let (place, target) = match change {
            Change::SetActive(key, _) | Change::Delete(key) if self.deleted[key] => {
                return self.committed(Outcome::NotFound, change.object());
            }
            Change::SetActive(key, active) => (&mut self.inactive[key], !active),
            Change::Delete(key) => (&mut self.deleted[key], true),
            Change::SetPlan(org, plan) => (&mut self.plans[org], plan),
        };
        if *place == target {
            return self.committed(Outcome::NothingToDo, change.object());
        }
        *place = target;
        self.revision += 1;
        self.log.push(change.object());
        self.versions.raise(change.object(), self.versions.of(change.object()) + 1);
        self.committed(Outcome::Changed, change.object())
    }

    const fn committed(&self, outcome: Outcome, object: Object) -> Reply {
        Reply::Committed { outcome, revision: self.revision, version: self.versions.of(object) }
    }
}
