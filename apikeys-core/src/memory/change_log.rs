use std::collections::{HashMap, VecDeque};

use crate::{
    id::{ChangeId, KeyId, OrgId},
    store::{Change, Revision},
};

/// How many changes are remembered.
const KEPT: usize = 10_000;

/// The latest changes that were done, and their number.
#[derive(Default)]
pub(super) struct ChangeLog {
    revision: u64,
    done: HashMap<ChangeId, Revision>,
    /// Oldest first.
    log: VecDeque<Logged>,
}

/// What a revision changed.
struct Logged {
    change: ChangeId,
    #[expect(dead_code, reason = "what other instances have to forget; nobody asks yet")]
    touched: (OrgId, Option<KeyId>),
}

impl ChangeLog {
    /// The number of the latest change.
    pub(super) const fn revision(&self) -> Revision {
        Revision(self.revision)
    }

    /// The revision that a change made, if it was done and is remembered.
    pub(super) fn done(&self, change: ChangeId) -> Option<Revision> {
        self.done.get(&change).copied()
    }

    /// Counts a change that is done, and forgets the oldest beyond those that must be kept.
    pub(super) fn push(&mut self, change: &Change) -> Revision {
        self.revision += 1;
        self.done.insert(change.id, self.revision());
        self.log.push_back(Logged { change: change.id, touched: (change.org().clone(), change.key()) });
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
    use crate::store::ChangeKind;

    fn change(number: u128) -> Change {
        let org = OrgId::new("o").unwrap();
        Change::new(ChangeId::from_bytes(number.to_be_bytes()), ChangeKind::ForgetOrg { org }, vec![])
    }

    #[test]
    fn the_last_10_000_changes_are_remembered_and_no_more_memory_is_used() {
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
