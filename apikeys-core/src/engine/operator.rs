use std::sync::Arc;

use super::{
    api_keys::ApiKeys,
    inner::Inner,
    manage_error::ManageError,
    managed_key::QuotaUsage,
    purge::purge_forgotten,
    store_access::{ATTEMPTS, unexpected},
};
use crate::{
    audit::{Action, ChangeValue, Changes},
    id::{Actor, KeyId, OrgId},
    plan::PlanName,
    store::{ChangeKind, Changed, CommitOutcome, KeyQuery, KeyView, Page},
};

impl ApiKeys {
    /// Returns an [`Operator`], whose operations are reserved for your service itself: setting plans,
    /// forgetting organizations, and listing the keys of all organizations.
    #[must_use]
    pub fn operator(&self, actor: impl Into<Actor>) -> Operator {
        Operator { inner: Arc::clone(&self.inner), actor: actor.into() }
    }
}

/// The operations of your service itself, on any organization, on behalf of one actor.
///
/// An operator sets plans, forgets organizations, and lists the keys of all organizations.
#[derive(Debug, Clone)]
pub struct Operator {
    inner: Arc<Inner>,
    actor: Actor,
}

impl Operator {
    /// Puts an organization on a plan. Every verification that begins after this method has returned sees the
    /// plan, on every instance. If the organization has more keys than the plan's quota, all of them continue
    /// to work as long as the plan has API access.
    ///
    /// If the organization is not stored, it is stored with the plan and without keys. If
    /// [`forget`](Self::forget) is called while this method runs, the organization may therefore be stored
    /// again, as a new organization. To avoid that, call `forget` only after all calls of this method for the
    /// organization have returned.
    ///
    /// # Errors
    ///
    /// Returns [`ManageError::UnknownPlan`] if the plan is not in the catalogue, [`ManageError::Conflict`] if
    /// other changes to the organization prevented the change at every attempt, and [`ManageError::Store`] if
    /// the store fails.
    pub async fn set_plan(
        &self,
        org: impl Into<OrgId>,
        plan: impl Into<PlanName>,
    ) -> Result<(), ManageError> {
        let (inner, org, plan) = (&*self.inner, &org.into(), &plan.into());
        if inner.plans.get(plan).is_none() {
            return Err(ManageError::UnknownPlan(plan.clone()));
        }
        for _ in 0..ATTEMPTS {
            let stored = inner.ask("org", inner.store.org(org)).await?.map(|row| row.stored_plan());
            let from = stored.as_ref().map(|stored| &stored.plan);
            if from == Some(plan) {
                return Ok(inner.wait_for_latest(Changed::Org(org.clone())).await?);
            }
            let from = from.unwrap_or_else(|| inner.plans.default_plan().name());
            let mut events = Vec::new();
            // An organization that is not stored is on the default plan already.
            if from != plan {
                let changes = Changes::one("plan", from.as_str().into(), ChangeValue::from(plan.as_str()));
                events.push(inner.event(org, None, (Action::PlanChanged, changes), &self.actor));
            }
            let kind = ChangeKind::SetPlan { org: org.clone(), plan: plan.clone(), expected: stored };
            match inner.commit(&inner.change(kind, events)).await? {
                CommitOutcome::Done { revision } => return Ok(inner.wait_for_instances(revision).await?),
                CommitOutcome::PlanChanged => {}
                _ => return Err(unexpected()),
            }
        }
        Err(ManageError::Conflict)
    }

    /// Returns the plan that an organization is on, and how many keys it has and may have.
    ///
    /// # Errors
    ///
    /// Returns [`ManageError::Store`] if the store fails.
    pub async fn quota(&self, org: impl Into<OrgId>) -> Result<QuotaUsage, ManageError> {
        self.inner.quota(&org.into()).await
    }

    /// Removes everything that is stored about an organization: its plan, keys, counters, usage and audit log. One
    /// audit event with the organization's id and the actor remains. If the organization is not stored, nothing
    /// changes.
    ///
    /// When this method has returned, the organization's keys are refused and none of its data can be read,
    /// on every instance. The [`Maintenance`](super::Maintenance) of any instance then removes the rows in
    /// small pieces, so that the removal of a large organization does not delay the requests of other
    /// organizations. If the maintenance is not running in this process, the rows are removed before this
    /// method returns.
    ///
    /// Operations that run at the same time have these results:
    ///
    /// - If [`create`](super::KeyManager::create) read the organization's plan before the organization was
    ///   forgotten, `create` fails with [`ManageError::Conflict`], even if the organization was stored again
    ///   in the meantime.
    /// - If the organization was not stored when `create` began, `create` may store it after this method has
    ///   returned, as a new organization on the default plan.
    /// - A call of [`set_plan`](Self::set_plan) may store the organization as a new one, with the plan and
    ///   without keys.
    ///
    /// # Errors
    ///
    /// Returns [`ManageError::Store`] if the store fails.
    pub async fn forget(&self, org: impl Into<OrgId>) -> Result<(), ManageError> {
        let (inner, org) = (&*self.inner, &org.into());
        let event = inner.event(org, None, (Action::OrganizationForgotten, Changes::new()), &self.actor);
        let kind = ChangeKind::ForgetOrg { org: org.clone() };
        match inner.commit(&inner.change(kind, vec![event])).await? {
            CommitOutcome::Done { revision } => {
                inner.wait_for_instances(revision).await?;
                purge_forgotten(inner).await;
                Ok(())
            }
            CommitOutcome::NotFound { revision } => Ok(inner.wait_for_instances(revision).await?),
            _ => Err(unexpected()),
        }
    }

    /// Returns up to `limit` keys of all organizations, newest first. If `after` is given, returns only keys
    /// that are older than that key.
    ///
    /// # Errors
    ///
    /// Returns [`ManageError::Store`] if the store fails.
    pub async fn keys(&self, limit: u32, after: Option<KeyId>) -> Result<Page<KeyView, KeyId>, ManageError> {
        let query = KeyQuery::new(None, limit.max(1)).after(after);
        Ok(self.inner.ask("keys", self.inner.store.keys(&query)).await?)
    }
}
