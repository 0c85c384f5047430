use std::sync::Arc;

use super::{
    api_keys::ApiKeys,
    inner::Inner,
    manage_error::ManageError,
    managed_key::{CreatedKey, KeyListing, ManagedKey, QuotaUsage},
    store_access::{ATTEMPTS, unexpected},
};
use crate::{
    Timestamp,
    audit::{Action, AuditEntry, Changes},
    id::{Actor, EventId, KeyId, OrgId},
    key::{KeyPatch, NewKey},
    store::{
        AuditQuery, ChangeKind, Changed, CommitOutcome, KeyQuery, KeyRow, KeyView, Page, SecretRow,
        UsagePoint, UsageQuery, UsageStep,
    },
};

impl ApiKeys {
    /// Returns a [`KeyManager`] for the keys of one organization. The `KeyManager` makes changes on behalf of
    /// `actor`, and cannot reach another organization's keys.
    ///
    /// ```
    /// use apikeys_core::{Actor, ApiKeys, OrgId};
    ///
    /// # pollster::block_on(async {
    /// let keys = ApiKeys::in_memory();
    /// let (org, admin) = (OrgId::new("org_1")?, Actor::new("ann")?);
    /// let listing = keys.manage(&org, &admin).list(10, None).await?;
    /// assert!(listing.items.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn manage(&self, org: impl Into<OrgId>, actor: impl Into<Actor>) -> KeyManager {
        KeyManager { inner: Arc::clone(&self.inner), org: org.into(), actor: actor.into() }
    }
}

/// Manages the keys of one organization on behalf of one actor.
///
/// For a key of another organization, the methods return [`ManageError::NotFound`], as for a key that never
/// existed. When a method that makes a change has returned, every verification that begins afterwards sees
/// the new state, on every instance. The future of every method may be dropped at any time. A change is then
/// made completely or not at all.
#[derive(Debug, Clone)]
pub struct KeyManager {
    inner: Arc<Inner>,
    org: OrgId,
    actor: Actor,
}

impl KeyManager {
    /// Returns the organization whose keys are managed.
    #[must_use]
    pub fn org(&self) -> &OrgId {
        &self.org
    }

    /// Creates a key. When this method has returned, the key works on every instance.
    ///
    /// # Errors
    ///
    /// Returns [`ManageError::ExpiresInThePast`] if the expiration date is not in the future,
    /// [`ManageError::ApiAccessNotAvailable`] if the plan has no API access, and
    /// [`ManageError::KeyLimitReached`] if the quota is used up. Returns [`ManageError::Conflict`] if other
    /// changes to the organization prevented every attempt, or if the organization was forgotten meanwhile.
    /// Returns [`ManageError::StoredPlanUnknown`] if the organization's plan is not in the catalogue,
    /// [`ManageError::Entropy`] if no secret can be generated, and [`ManageError::Store`] if the store fails.
    /// The quota is exact, however many keys are created at the same time.
    pub async fn create(&self, new: NewKey) -> Result<CreatedKey, ManageError> {
        let inner = &*self.inner;
        self.refuse_past(new.expires_at)?;
        let mut first_number = None;
        for _ in 0..ATTEMPTS {
            let expected = inner.ask("org", inner.store.org(&self.org)).await?.map(|row| row.stored_plan());
            let number = expected.as_ref().map(|stored| stored.number);
            if first_number.is_some() && number != first_number {
                // The organization was forgotten, so a key that was asked for before must not be stored.
                return Err(ManageError::Conflict);
            }
            first_number = number;
            let default = || inner.plans.default_plan().name().clone();
            let stored = expected.as_ref().map_or_else(default, |stored| stored.plan.clone());
            let plan = inner.plan(&stored)?;
            if !plan.api_access() {
                return Err(ManageError::ApiAccessNotAvailable { upgrade: inner.plans.upgrade_advice() });
            }
            let now = inner.clock.wall();
            let secret = inner.format.generate(&*inner.entropy)?;
            let id = KeyId::from_bytes(inner.fresh_id());
            let shown = secret.display_prefix().to_owned();
            let mut row = KeyRow::new(id, self.org.clone(), new.name.clone(), shown, now, self.actor.clone());
            row.expires_at = new.expires_at;
            row.expiry_set_at = new.expires_at.map(|_| now);
            row.rate_limit = new.rate_limit;
            let event = inner.event(&self.org, Some(id), (Action::KeyCreated, row.creation()), &self.actor);
            let kind = ChangeKind::Create {
                row: row.clone(),
                secrets: vec![SecretRow::new(inner.peppers.newest(secret.expose()), id, now)],
                plan: stored.clone(),
                expected,
                max_keys: plan.quota().limit(),
            };
            match inner.commit(&inner.change(kind, vec![event])).await? {
                CommitOutcome::Done { .. } => {
                    let key = self.managed(KeyView::new(row, stored, 0, None));
                    return Ok(CreatedKey { key, secret });
                }
                CommitOutcome::QuotaFull { used } => {
                    return Err(ManageError::KeyLimitReached { quota: plan.quota(), used });
                }
                CommitOutcome::PlanChanged | CommitOutcome::DuplicateLocator => {}
                CommitOutcome::NotFound { .. } | CommitOutcome::VersionConflict => return Err(unexpected()),
            }
        }
        Err(ManageError::Conflict)
    }

    /// Returns up to `limit` keys, newest first. If `after` is given, returns only keys that are older than
    /// that key.
    ///
    /// # Errors
    ///
    /// Returns [`ManageError::Store`] if the store fails.
    pub async fn list(&self, limit: u32, after: Option<KeyId>) -> Result<KeyListing, ManageError> {
        let inner = &*self.inner;
        let quota = inner.quota(&self.org).await?;
        let query = KeyQuery::new(Some(self.org.clone()), limit.max(1)).after(after);
        let page = inner.ask("keys", inner.store.keys(&query)).await?;
        let items = page.items.into_iter().map(|view| self.managed(view)).collect();
        Ok(KeyListing { items, next: page.next, quota })
    }

    /// Returns how many keys the organization has and may have.
    ///
    /// # Errors
    ///
    /// Returns [`ManageError::Store`] if the store fails.
    pub async fn quota(&self) -> Result<QuotaUsage, ManageError> {
        self.inner.quota(&self.org).await
    }

    /// Returns one key.
    ///
    /// # Errors
    ///
    /// Returns [`ManageError::NotFound`] if the organization has no such key, and [`ManageError::Store`] if
    /// the store fails.
    pub async fn get(&self, key: KeyId) -> Result<ManagedKey, ManageError> {
        Ok(self.managed(self.view(key).await?))
    }

    /// Changes a key. Every verification that begins after this method has returned sees the change, on every
    /// instance. If the key already has the values of the patch, nothing is written.
    ///
    /// # Errors
    ///
    /// Returns [`ManageError::NotFound`] if the organization has no such key,
    /// [`ManageError::ExpiresInThePast`] if the expiration date is not in the future,
    /// [`ManageError::Conflict`] if other changes to the key prevented the change at every attempt, and
    /// [`ManageError::Store`] if the store fails.
    pub async fn update(&self, key: KeyId, patch: KeyPatch) -> Result<ManagedKey, ManageError> {
        let inner = &*self.inner;
        self.refuse_past(patch.expires_at.flatten())?;
        for _ in 0..ATTEMPTS {
            let view = match self.view(key).await {
                Err(ManageError::NotFound) => {
                    inner.wait_for_latest(Changed::Key(key)).await?;
                    return Err(ManageError::NotFound);
                }
                view => view?,
            };
            let (row, edits) = view.row.patched(&patch, inner.clock.wall());
            if edits.is_empty() {
                inner.wait_for_latest(Changed::Key(key)).await?;
                return Ok(self.managed(view));
            }
            let events =
                edits.into_iter().map(|edit| inner.event(&self.org, Some(key), edit, &self.actor)).collect();
            let kind = ChangeKind::Update {
                row: row.clone(),
                expected_version: view.row.version,
                added: Vec::new(),
                dropped: Vec::new(),
            };
            match inner.commit(&inner.change(kind, events)).await? {
                CommitOutcome::Done { revision } => {
                    inner.wait_for_instances(revision).await?;
                    return Ok(self.managed(KeyView { row, ..view }));
                }
                CommitOutcome::NotFound { revision } => {
                    inner.wait_for_instances(revision).await?;
                    return Err(ManageError::NotFound);
                }
                CommitOutcome::VersionConflict => {}
                CommitOutcome::QuotaFull { .. }
                | CommitOutcome::PlanChanged
                | CommitOutcome::DuplicateLocator => {
                    return Err(unexpected());
                }
            }
        }
        Err(ManageError::Conflict)
    }

    /// Activates a key. If the key is activated already, nothing changes.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`update`](Self::update).
    pub async fn activate(&self, key: KeyId) -> Result<ManagedKey, ManageError> {
        self.update(key, KeyPatch::new().active(true)).await
    }

    /// Deactivates a key until it is activated again. Every verification of the key that begins after this
    /// method has returned is denied, on every instance.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`update`](Self::update).
    pub async fn deactivate(&self, key: KeyId) -> Result<ManagedKey, ManageError> {
        self.update(key, KeyPatch::new().active(false)).await
    }

    /// Deletes a key permanently. Every verification of the key that begins after this method has returned is
    /// denied, on every instance. The audit log keeps the key's name and display prefix.
    ///
    /// # Errors
    ///
    /// Returns [`ManageError::NotFound`] if the organization has no such key, and [`ManageError::Store`] if
    /// the store fails.
    pub async fn delete(&self, key: KeyId) -> Result<(), ManageError> {
        let inner = &*self.inner;
        let event = inner.event(&self.org, Some(key), (Action::KeyDeleted, Changes::new()), &self.actor);
        let kind = ChangeKind::Delete { org: self.org.clone(), key };
        match inner.commit(&inner.change(kind, vec![event])).await? {
            CommitOutcome::Done { revision } => Ok(inner.wait_for_instances(revision).await?),
            // The key may be deleted by a call that is still waiting for other instances.
            CommitOutcome::NotFound { revision } => {
                inner.wait_for_instances(revision).await?;
                Err(ManageError::NotFound)
            }
            _ => Err(unexpected()),
        }
    }

    /// Returns a page of the organization's audit log, newest first. This `KeyManager`'s organization
    /// replaces the organization in `query`.
    ///
    /// # Errors
    ///
    /// Returns [`ManageError::Store`] if the store fails.
    pub async fn audit(&self, mut query: AuditQuery) -> Result<Page<AuditEntry, EventId>, ManageError> {
        query.org = self.org.clone();
        query.limit = query.limit.max(1);
        Ok(self.inner.ask("audit", self.inner.store.audit(&query)).await?)
    }

    /// Returns the numbers of a key's admitted and denied requests by hour or UTC day, earliest first. The first
    /// hour or day is the one that contains `since`. Hours and days that begin at or after `until` are not
    /// included. Hours and days without admitted or denied requests are left out.
    ///
    /// # Errors
    ///
    /// Returns [`ManageError::NotFound`] if the organization has no such key, and [`ManageError::Store`] if
    /// the store fails.
    pub async fn usage(
        &self,
        key: KeyId,
        since: Timestamp,
        until: Timestamp,
        step: UsageStep,
    ) -> Result<Vec<UsagePoint>, ManageError> {
        self.view(key).await?;
        let query = UsageQuery::new(self.org.clone(), key, since, until, step);
        Ok(self.inner.ask("usage", self.inner.store.usage(&query)).await?)
    }

    async fn view(&self, key: KeyId) -> Result<KeyView, ManageError> {
        let found = self.inner.ask("key", self.inner.store.key(&self.org, key)).await?;
        found.ok_or(ManageError::NotFound)
    }

    fn managed(&self, view: KeyView) -> ManagedKey {
        ManagedKey::new(view, &self.inner.plans, self.inner.clock.wall())
    }

    fn refuse_past(&self, expires_at: Option<Timestamp>) -> Result<(), ManageError> {
        match expires_at {
            Some(at) if at <= self.inner.clock.wall() => Err(ManageError::ExpiresInThePast),
            _ => Ok(()),
        }
    }
}
