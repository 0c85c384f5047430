use std::time::Duration;

use super::state::State;
use crate::{
    id::InstanceId,
    store::{BehindInstance, MAX_POLLED_CHANGES, Polled, Revision},
};

/// The row of a registered instance.
pub(super) struct Instance {
    lease: Duration,
    applied: Revision,
}

impl State {
    pub(super) fn register(&mut self, instance: InstanceId, lease: Duration) -> Revision {
        let applied = self.changes.revision();
        self.instances.entry(instance).or_insert(Instance { lease, applied }).applied
    }

    pub(super) fn poll(&self, instance: InstanceId, applied: Revision) -> Polled {
        let revision = self.changes.revision();
        let new = usize::try_from(revision.0.saturating_sub(applied.0)).unwrap_or(usize::MAX);
        let changes = self.changes.latest(new.min(MAX_POLLED_CHANGES + 1));
        Polled::after(applied, self.instances.contains_key(&instance), revision, changes)
    }

    pub(super) fn acknowledge(&mut self, instance: InstanceId, applied: Revision) -> bool {
        let row = self.instances.get_mut(&instance);
        row.map(|row| row.applied = row.applied.max(applied)).is_some()
    }

    pub(super) fn behind(&self, revision: Revision) -> Vec<BehindInstance> {
        let behind = self.instances.iter().filter(|(_, row)| row.applied < revision);
        behind.map(|(instance, row)| BehindInstance::new(*instance, row.lease)).collect()
    }

    pub(super) fn fence(&mut self, instances: &[InstanceId], revision: Revision) {
        self.instances.retain(|instance, row| row.applied >= revision || !instances.contains(instance));
    }
}
