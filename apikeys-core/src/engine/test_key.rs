use super::{api_keys::ApiKeys, manage_error::ManageError};
use crate::{
    id::{Actor, OrgId},
    key::{KeyName, NewKey},
    plan::Plan,
    text::InvalidValue,
    token::Secret,
};

/// The reason why [`ApiKeys::test_key`] created no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestKeyError {
    /// The organization's id is invalid.
    #[error(transparent)]
    InvalidOrg(#[from] InvalidValue),
    /// The key could not be created.
    #[error(transparent)]
    Manage(#[from] ManageError),
}

impl ApiKeys {
    /// Creates a key named `Test key` and returns its secret, for the tests of a service.
    ///
    /// An organization on a plan without API access is put on the first plan of the catalogue that
    /// has API access.
    ///
    /// ```
    /// use apikeys_core::{ApiKeys, RequestMeta};
    ///
    /// # pollster::block_on(async {
    /// let keys = ApiKeys::in_memory();
    /// let secret = keys.test_key("org_1").await?;
    ///
    /// let request = RequestMeta::new("GET", "/v1/items");
    /// assert!(keys.verify(secret.expose().as_bytes(), request).await.is_ok());
    /// # Ok::<(), apikeys_core::engine::TestKeyError>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if `org` is not a valid [`OrgId`], if the organization's quota is used up, or if the
    /// store fails.
    pub async fn test_key<O>(&self, org: O) -> Result<Secret, TestKeyError>
    where
        O: TryInto<OrgId>,
        InvalidValue: From<O::Error>,
    {
        let org = org.try_into().map_err(InvalidValue::from)?;
        let (actor, name) = (Actor::new("test")?, KeyName::new("Test key")?);
        let current = self.manage(&org, &actor).quota().await?.plan;
        let has_access = self.plans().get(&current).is_some_and(|plan| plan.api_access());
        if !has_access && let Some(plan) = self.plans().iter().find(|plan| Plan::api_access(plan)) {
            self.operator(&actor).set_plan(&org, plan.name()).await?;
        }
        Ok(self.manage(&org, &actor).create(NewKey::from(name)).await?.secret)
    }
}
