use std::sync::Arc;

use super::{
    keys::Inner,
    manage::QuotaStatus,
    mutation::{ATTEMPTS, ManageError, unexpected},
};
use crate::{
    audit::{Action, ChangeValue, Changes},
    id::{Actor, KeyId, OrgId},
    key::KeyView,
    plan::PlanName,
    store::{ChangeKind, Committed, KeyQuery, Page},
};

/// What only the host itself may do, for any organization: its billing sets plans, its clean-up
/// forgets organizations, its support looks across them.
#[derive(Debug, Clone)]
pub struct Operator {
    inner: Arc<Inner>,
    actor: Actor,
}

impl Operator {
    pub(super) fn new(inner: Arc<Inner>, actor: Actor) -> Self {
        Self { inner, actor }
    }

    /// Puts an organization on a plan. When this has returned, the plan holds everywhere. Keys
    /// beyond a smaller quota go on working while the plan has API access.
    ///
    /// # Errors
    ///
    /// `UnknownPlan`, or when the store fails.
    pub async fn set_plan(&self, org: &OrgId, plan: &PlanName) -> Result<(), ManageError> {
        let inner = &*self.inner;
        if inner.plans.get(plan).is_none() {
            return Err(ManageError::UnknownPlan(plan.clone()));
        }
        for _ in 0..ATTEMPTS {
            let stored = inner.ask("org", inner.store.org(org)).await?.map(|row| row.plan);
            if stored.as_ref() == Some(plan) {
                return Ok(());
            }
            let from = stored.as_ref().unwrap_or_else(|| inner.plans.default_plan().name());
            let mut events = Vec::new();
            // Storing the default for the first time changes nothing that anybody sees.
            if from != plan {
                let changes = Changes::one("plan", from.as_str().into(), ChangeValue::from(plan.as_str()));
                events.push(inner.event(org, None, (Action::PlanChanged, changes), &self.actor)?);
            }
            let kind = ChangeKind::SetPlan { org: org.clone(), plan: plan.clone(), expected: stored };
            match inner.commit(&inner.change(kind, events)?).await? {
                Committed::Done { .. } => return Ok(()),
                Committed::PlanChanged => {}
                _ => return Err(unexpected()),
            }
        }
        Err(ManageError::Conflict)
    }

    /// The plan an organization is on, and how many keys it has and may have.
    ///
    /// # Errors
    ///
    /// When the store fails, or the organization is on a plan that is not in the catalogue.
    pub async fn quota(&self, org: &OrgId) -> Result<QuotaStatus, ManageError> {
        let (plan, used) = self.inner.standing(org).await?;
        Ok(QuotaStatus { plan: plan.name().clone(), used, quota: plan.quota() })
    }

    /// Removes all there is of an organization: keys, counters, usage, audit log. One event
    /// without names remains. Forgetting an organization that is not stored changes nothing.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn forget(&self, org: &OrgId) -> Result<(), ManageError> {
        let inner = &*self.inner;
        let event = inner.event(org, None, (Action::OrganizationForgotten, Changes::new()), &self.actor)?;
        let kind = ChangeKind::ForgetOrg { org: org.clone() };
        match inner.commit(&inner.change(kind, vec![event])?).await? {
            Committed::Done { .. } | Committed::NotFound { .. } => Ok(()),
            _ => Err(unexpected()),
        }
    }

    /// Up to `limit` keys of all organizations, newest first, older than `after` if given.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn keys(&self, limit: u32, after: Option<KeyId>) -> Result<Page<KeyView, KeyId>, ManageError> {
        let query = KeyQuery::new(None, limit.max(1)).after(after);
        Ok(self.inner.ask("keys", self.inner.store.keys(&query)).await?)
    }
}
