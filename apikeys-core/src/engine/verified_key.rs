use crate::{
    id::{KeyId, OrgId},
    key::KeyName,
    plan::PlanName,
    rate_limit::RateStatus,
};

/// The key of an admitted request, with its organization and plan. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedKey {
    pub(super) org: OrgId,
    pub(super) id: KeyId,
    pub(super) name: KeyName,
    pub(super) plan: PlanName,
    pub(super) rate: RateStatus,
}

impl VerifiedKey {
    /// Returns the organization that owns the key.
    #[must_use]
    pub fn org(&self) -> &OrgId {
        &self.org
    }

    /// Returns the key's id.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// Returns the name that the organization's administrator gave the key.
    #[must_use]
    pub fn key_name(&self) -> &KeyName {
        &self.name
    }

    /// Returns the plan that the organization is on.
    #[must_use]
    pub fn plan(&self) -> &PlanName {
        &self.plan
    }

    /// Returns the state of the key's rate limit after this request.
    #[must_use]
    pub fn rate(&self) -> RateStatus {
        self.rate
    }
}
