use std::{fmt, sync::Arc};

use super::cache::Snapshot;
use crate::{
    id::{KeyId, OrgId},
    key::KeyName,
    plan::PlanName,
    rate_limit::RateStatus,
};

/// The key of an admitted request, with its organization and plan. Cloning is cheap.
#[derive(Clone)]
pub struct VerifiedKey {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) rate: RateStatus,
}

impl VerifiedKey {
    /// Returns the organization that owns the key.
    #[must_use]
    pub fn org(&self) -> &OrgId {
        &self.snapshot.org
    }

    /// Returns the key's id.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.snapshot.key
    }

    /// Returns the name that the organization's administrator gave the key.
    #[must_use]
    pub fn key_name(&self) -> &KeyName {
        &self.snapshot.name
    }

    /// Returns the plan that the organization is on.
    #[must_use]
    pub fn plan(&self) -> &PlanName {
        self.snapshot.plan.name()
    }

    /// Returns the state of the key's rate limit after this request.
    #[must_use]
    pub fn rate(&self) -> RateStatus {
        self.rate
    }
}

impl PartialEq for VerifiedKey {
    fn eq(&self, other: &Self) -> bool {
        let values = |key: &Self| (key.key_id(), key.rate);
        let texts = |key: &Self| (key.org().clone(), key.key_name().clone(), key.plan().clone());
        values(self) == values(other) && texts(self) == texts(other)
    }
}

impl Eq for VerifiedKey {}

impl fmt::Debug for VerifiedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedKey")
            .field("org", self.org())
            .field("id", &self.key_id())
            .field("name", self.key_name())
            .field("plan", self.plan())
            .field("rate", &self.rate)
            .finish()
    }
}
