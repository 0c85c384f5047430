use std::{sync::Arc, time::Duration};

use super::{cache::OwnEviction, inner::Inner, manage_error::ManageError, managed_key::QuotaUsage};
use crate::{
    audit::{Action, AuditEvent, Changes, Detail},
    id::{Actor, ChangeId, EventId, KeyId, OrgId},
    plan::{Plan, PlanName, Quota},
    store::{Change, ChangeKind, CommitOutcome, OrgRow, StoreError, StoreErrorKind, StoreResult},
};

/// The number of times that a change is prepared, if concurrent changes to the same data are committed first.
pub(super) const ATTEMPTS: usize = 32;
/// The pauses before the store is asked again.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(5), Duration::from_millis(50), Duration::from_millis(250), Duration::from_secs(1)];

impl Inner {
    /// Commits a change. While the store is unavailable, the change is sent again under the same id, so that
    /// a change whose answer was lost is not made twice. Then evicts what was changed from the own cache.
    pub(super) async fn commit(&self, change: &Change) -> StoreResult<CommitOutcome> {
        let _eviction = OwnEviction::new(self, change.changed());
        self.persist("commit", || self.store.commit(change)).await
    }

    /// Asks the store. While the store is unavailable, asks again, a few times.
    pub(super) async fn persist<T, F: Future<Output = StoreResult<T>>>(
        &self,
        operation: &'static str,
        ask: impl Fn() -> F,
    ) -> StoreResult<T> {
        let mut pauses = PAUSES.into_iter();
        loop {
            match self.ask(operation, ask()).await {
                Err(error) if error.is_temporary() => match pauses.next() {
                    Some(pause) => {
                        self.observer.store_failed(&error);
                        self.clock.sleep(pause).await;
                    }
                    None => return Err(error),
                },
                answer => return answer,
            }
        }
    }

    /// Waits for the store's answer for no longer than the store timeout.
    pub(super) async fn ask<T>(
        &self,
        operation: &'static str,
        answer: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        self.store_timeout.within(operation, answer).await
    }

    pub(super) fn change(&self, kind: ChangeKind, events: Vec<AuditEvent>) -> Change {
        Change::new(ChangeId::from_bytes(self.fresh_id()), kind, events)
    }

    pub(super) fn event(
        &self,
        org: &OrgId,
        key: Option<KeyId>,
        (action, changes): (Action, Changes),
        actor: &Actor,
    ) -> AuditEvent {
        let now = self.clock.wall();
        let id = EventId::from_bytes(self.ids.next(now));
        let mut event = AuditEvent::new(id, now, org.clone(), action);
        event.key = key;
        event.actor = Some(actor.clone());
        if !changes.is_empty() {
            event.detail = Detail::Changes(changes);
        }
        event
    }

    pub(super) fn fresh_id(&self) -> [u8; 16] {
        self.ids.next(self.clock.wall())
    }

    /// Returns the plan of the catalogue whose name is stored with an organization.
    ///
    /// # Errors
    ///
    /// Returns an error if the stored plan is not in the catalogue.
    pub(super) fn plan(&self, stored: &PlanName) -> Result<&Arc<Plan>, ManageError> {
        self.plans.get(stored).ok_or_else(|| {
            self.observer.unknown_plan(stored);
            ManageError::StoredPlanUnknown(stored.clone())
        })
    }

    /// Returns how many keys an organization has and may have.
    pub(super) async fn quota(&self, org: &OrgId) -> Result<QuotaUsage, ManageError> {
        let row: Option<OrgRow> = self.ask("org", self.store.org(org)).await?;
        let default = || (self.plans.default_plan().name().clone(), 0);
        let (plan, used) = row.map_or_else(default, |row| (row.plan, row.key_count));
        // If the stored plan is not in the catalogue, no key can be created.
        let quota = self.plan(&plan).map_or(Quota::Limited(0), |plan| plan.quota());
        Ok(QuotaUsage { plan, used, quota })
    }
}

/// Returns the error for an answer of the store that does not fit the change.
pub(super) fn unexpected() -> ManageError {
    ManageError::Store(StoreError::new(StoreErrorKind::Corrupt, "commit"))
}
