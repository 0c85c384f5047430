use std::collections::{HashMap, VecDeque};

use crate::{
    id::ChangeId,
    store::{Change, Changed, Revision},
};

/// The number of changes that are remembered.
const KEPT: usize = 10_000;

/// The latest changes, and the number of all changes.
#[derive(Default)]
pub(super) struct ChangeLog {
    revision: u64,
    done: HashMap<ChangeId, Revision>,
    /// Oldest first.
    log: VecDeque<Logged>,
}

/// The change of one revision.
struct Logged {
    change: ChangeId,
    changed: Changed,
}

impl ChangeLog {
    /// Returns the number of the latest change.
    pub(super) const fn revision(&self) -> Revision {
        Revision(self.revision)
    }

    /// Returns the revision that a change made, or `None` if the change was not done or is too old.
    pub(super) fn done(&self, change: ChangeId) -> Option<Revision> {
        self.done.get(&change).copied()
    }

    /// Returns what the latest changes have changed, but not more than `most` of them.
    pub(super) fn latest(&self, most: usize) -> Vec<Changed> {
        self.log.iter().rev().take(most).map(|logged| logged.changed.clone()).collect()
    }

    /// Adds a change, and removes the oldest beyond those that must be remembered.
    pub(super) fn push(&mut self, change: &Change) -> Revision {
        self.revision += 1;
        self.done.insert(change.id, self.revision());
        self.log.push_back(Logged { change: change.id, changed: change.changed() });
        while self.log.len() > KEPT {
            if let Some(oldest) = self.log.pop_front() {
                self.done.remove(&oldest.change);
            }
        }
        self.revision()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::OrgId, store::ChangeKind};

    fn change(number: u128) -> Change {
        let org = OrgId::new("o").unwrap();
        Change::new(ChangeId::from_bytes(number.to_be_bytes()), ChangeKind::ForgetOrg { org }, vec![])
    }

    #[test]
    fn change_log_keeps_exactly_the_last_10_000_changes() {
        let mut log = ChangeLog::default();
        for number in 0..10_001 {
            log.push(&change(number));
        }
        assert_eq!(log.done(change(0).id), None);
        assert_eq!(log.done(change(1).id), Some(Revision(2)));
        assert_eq!(log.done(change(10_000).id), Some(Revision(10_001)));
        assert_eq!((log.log.len(), log.done.len()), (10_000, 10_000));
    }
}
