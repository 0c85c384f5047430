use crate::{
    id::{KeyId, OrgId},
    key::KeyName,
    plan::PlanName,
    rate_limit::RateStatus,
};

/// Who sent a valid key. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub(super) org: OrgId,
    pub(super) key: KeyId,
    pub(super) name: KeyName,
    pub(super) plan: PlanName,
    pub(super) rate: RateStatus,
}

impl Caller {
    /// The organization the key belongs to.
    #[must_use]
    pub fn org(&self) -> &OrgId {
        &self.org
    }

    /// The key's id.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.key
    }

    /// What the organization's administrator calls the key.
    #[must_use]
    pub fn key_name(&self) -> &KeyName {
        &self.name
    }

    /// The plan the organization is on.
    #[must_use]
    pub fn plan(&self) -> &PlanName {
        &self.plan
    }

    /// Where the key stands after this request.
    #[must_use]
    pub fn rate(&self) -> RateStatus {
        self.rate
    }
}
