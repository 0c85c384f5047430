use std::collections::HashMap;

use apikeys_core::{
    KeyId, OrgId,
    store::{Change, ChangeKind},
};

/// The states of keys and organizations in the order in which they were committed, and those that calls have promised.
///
/// Each state has a name: that of the key, or that of the plan.
#[derive(Debug, Default)]
pub(crate) struct History {
    states: HashMap<Object, Vec<String>>,
    promised: HashMap<Object, usize>,
    pub(crate) reads: u64,
    pub(crate) fenced: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Object {
    Key(KeyId),
    Org(OrgId),
}

/// The name of the state of a deleted key.
pub(crate) const DELETED: &str = "deleted";

impl History {
    pub(crate) fn committed(&mut self, change: &Change) {
        let (object, state) = match &change.kind {
            ChangeKind::Create { row, .. } | ChangeKind::Update { row, .. } => {
                (Object::Key(row.id), row.name.to_string())
            }
            ChangeKind::Delete { key, .. } => (Object::Key(*key), DELETED.to_owned()),
            ChangeKind::SetPlan { org, plan, .. } => (Object::Org(org.clone()), plan.to_string()),
            other => panic!("{other:?}"),
        };
        self.states.entry(object).or_default().push(state);
    }

    /// A call that leads to a state has returned.
    pub(crate) fn promise(&mut self, object: &Object, state: &str) {
        // If the state was committed several times, the call may stand for the first.
        let states = self.states.get(object).map(Vec::as_slice).unwrap_or_default();
        let first = states.iter().position(|other| other == state);
        let first = first.expect("a call returned without a commit");
        let promised = self.promised.entry(object.clone()).or_default();
        *promised = first.max(*promised);
    }

    /// Returns the number of the latest promised state.
    pub(crate) fn promised(&self, object: &Object) -> usize {
        self.promised.get(object).copied().unwrap_or_default()
    }

    /// Returns whether a state is the promised one or a later one.
    pub(crate) fn is_at_least(&self, object: &Object, promised: usize, state: &str) -> bool {
        let states = self.states.get(object).map(Vec::as_slice).unwrap_or_default();
        states.iter().rposition(|other| other == state).is_some_and(|last| last >= promised)
    }
}
