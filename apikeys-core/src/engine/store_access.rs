use std::time::Duration;

use super::{inner::Inner, manage_error::ManageError, observe, timeout::within};
use crate::{
    audit::{Action, AuditEvent, Changes, Detail},
    entropy::EntropyError,
    id::{Actor, ChangeId, EventId, KeyId, OrgId},
    plan::Plan,
    store::{Change, ChangeKind, Committed, OrgRow, StoreError, StoreErrorKind, StoreResult},
};

/// How often a change is made anew after somebody else's came first.
pub(super) const ATTEMPTS: usize = 32;
/// The pauses between sending the same change again.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(5), Duration::from_millis(50), Duration::from_millis(250), Duration::from_secs(1)];

impl Inner {
    /// Commits a change, again and again under the same id while the store is away: an answer
    /// that got lost is found again, and nothing is done twice.
    pub(super) async fn commit(&self, change: &Change) -> StoreResult<Committed> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let sent = self.store.commit(change);
            match within(&*self.clock, self.options.store_timeout, "commit", sent).await {
                Err(error) if error.is_temporary() => match pauses.next() {
                    Some(pause) => {
                        observe::store_failed(&error);
                        self.clock.sleep(pause).await;
                    }
                    None => return Err(error),
                },
                answer => return answer,
            }
        }
    }

    /// Asks the store, but not for ever.
    pub(super) async fn ask<T>(
        &self,
        operation: &'static str,
        answer: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        within(&*self.clock, self.options.store_timeout, operation, answer).await
    }

    pub(super) fn change(&self, kind: ChangeKind, events: Vec<AuditEvent>) -> Result<Change, EntropyError> {
        Ok(Change::new(ChangeId::from_bytes(self.fresh_id()?), kind, events))
    }

    pub(super) fn event(
        &self,
        org: &OrgId,
        key: Option<KeyId>,
        (action, changes): (Action, Changes),
        actor: &Actor,
    ) -> Result<AuditEvent, EntropyError> {
        let id = EventId::from_bytes(self.fresh_id()?);
        let mut event = AuditEvent::new(id, self.clock.wall(), org.clone(), action);
        event.key = key;
        event.actor = Some(actor.clone());
        if !changes.is_empty() {
            event.detail = Detail::Changes(changes);
        }
        Ok(event)
    }

    pub(super) fn fresh_id(&self) -> Result<[u8; 16], EntropyError> {
        self.ids.next(self.clock.wall(), &*self.entropy)
    }

    /// The plan an organization is on, and how many keys it has.
    pub(super) async fn standing(&self, org: &OrgId) -> Result<(Plan, u32), ManageError> {
        let row: Option<OrgRow> = self.ask("org", self.store.org(org)).await?;
        match row {
            Some(row) => match self.plans.get(&row.plan) {
                Some(plan) => Ok((Plan::clone(plan), row.key_count)),
                None => {
                    observe::unknown_plan(&row.plan);
                    Err(ManageError::StoredPlanUnknown(row.plan))
                }
            },
            None => Ok((self.plans.default_plan().clone(), 0)),
        }
    }
}

/// The store answered with something that cannot be an answer to that change.
pub(super) fn unexpected() -> ManageError {
    ManageError::Store(StoreError::new(StoreErrorKind::Corrupt, "commit"))
}
