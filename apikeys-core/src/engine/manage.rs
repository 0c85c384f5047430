use std::sync::Arc;

use super::{
    keys::Inner,
    mutation::{ATTEMPTS, ManageError, unexpected},
};
use crate::{
    Timestamp,
    audit::{Action, AuditEntry, Changes},
    id::{Actor, EventId, KeyId, OrgId},
    key::{KeyPatch, KeyRow, KeyView, NewKey, SecretRow, Status},
    plan::{Plan, PlanName, Quota},
    rate_limit::RateLimit,
    store::{AuditQuery, ChangeKind, Committed, KeyQuery, Page, UsagePoint, UsageQuery, UsageStep},
    token::Secret,
};

/// One organization's keys, as one actor sees and changes them.
///
/// A key of another organization is `NotFound`, as one that never existed. When a call that
/// changes something has returned, the new state holds everywhere. Calls may be dropped half-way:
/// the change is then made or not made, never in part.
#[derive(Debug, Clone)]
pub struct Manage {
    inner: Arc<Inner>,
    org: OrgId,
    actor: Actor,
}

/// A new key with its secret, which is shown this once.
#[derive(Debug)]
#[non_exhaustive]
pub struct Created {
    /// The key.
    pub key: ManagedKey,
    /// What its holder sends. There is no other way to it, ever.
    pub secret: Secret,
}

impl Created {
    /// The key's id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.key.id()
    }
}

/// A key as its administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagedKey {
    /// The key and its counters, which lag by the flush interval at most.
    pub view: KeyView,
    /// Its status when it was read.
    pub status: Status,
    /// The limit that applies to it: its own, or the plan's.
    pub effective_rate_limit: RateLimit,
}

impl ManagedKey {
    /// The key's id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.view.row.id
    }
}

/// Some of an organization's keys, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyListing {
    /// The keys, and where to go on.
    pub page: Page<ManagedKey, KeyId>,
    /// How many there are and may be.
    pub quota: QuotaStatus,
}

/// How many keys an organization has and may have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaStatus {
    /// The plan that says so.
    pub plan: PlanName,
    /// Keys that exist, whatever their status.
    pub used: u32,
    /// What the plan allows.
    pub quota: Quota,
}

impl Manage {
    pub(super) fn new(inner: Arc<Inner>, org: OrgId, actor: Actor) -> Self {
        Self { inner, org, actor }
    }

    /// The organization this is about.
    #[must_use]
    pub fn org(&self) -> &OrgId {
        &self.org
    }

    /// Creates a key. It works at once, everywhere.
    ///
    /// # Errors
    ///
    /// When the expiration date is not in the future, the plan has no API access, or the quota is
    /// used up; the latter is exact however many creations race.
    pub async fn create(&self, new: NewKey) -> Result<Created, ManageError> {
        let inner = &*self.inner;
        self.refuse_past(new.expires_at)?;
        for _ in 0..ATTEMPTS {
            let (plan, _) = inner.standing(&self.org).await?;
            if !plan.api_access() {
                return Err(ManageError::ApiAccessNotAvailable);
            }
            let now = inner.clock.wall();
            let secret = inner.format.generate(&*inner.entropy)?;
            let id = KeyId::from_bytes(inner.fresh_id()?);
            let shown = secret.display_prefix().to_owned();
            let mut row = KeyRow::new(id, self.org.clone(), new.name.clone(), shown, now, self.actor.clone());
            row.expires_at = new.expires_at;
            row.expiry_set_at = new.expires_at.map(|_| now);
            row.rate_limit = new.rate_limit;
            let event =
                inner.event(&self.org, Some(id), (Action::KeyCreated, row.creation()), &self.actor)?;
            let kind = ChangeKind::Create {
                row: row.clone(),
                secrets: vec![SecretRow::new(inner.peppers.newest(secret.expose()), id, now)],
                expected_plan: plan.name().clone(),
                max_keys: plan.quota().limit(),
            };
            match inner.commit(&inner.change(kind, vec![event])?).await? {
                Committed::Done { .. } => {
                    let key = managed(KeyView::new(row, 0, None), &plan, now);
                    return Ok(Created { key, secret });
                }
                Committed::QuotaFull { used } => {
                    return Err(ManageError::KeyLimitReached { quota: plan.quota(), used });
                }
                Committed::PlanChanged | Committed::DuplicateLocator => {}
                Committed::NotFound { .. } | Committed::VersionConflict => return Err(unexpected()),
            }
        }
        Err(ManageError::Conflict)
    }

    /// Up to `limit` keys, newest first, older than `after` if that is given.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn list(&self, limit: u32, after: Option<KeyId>) -> Result<KeyListing, ManageError> {
        let inner = &*self.inner;
        let (plan, used) = inner.standing(&self.org).await?;
        let query = KeyQuery::new(Some(self.org.clone()), limit.max(1)).after(after);
        let page = inner.ask("keys", inner.store.keys(&query)).await?;
        let now = inner.clock.wall();
        let items = page.items.into_iter().map(|view| managed(view, &plan, now)).collect();
        let quota = QuotaStatus { plan: plan.name().clone(), used, quota: plan.quota() };
        Ok(KeyListing { page: Page::new(items, page.next), quota })
    }

    /// How many keys there are and may be.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn quota(&self) -> Result<QuotaStatus, ManageError> {
        let (plan, used) = self.inner.standing(&self.org).await?;
        Ok(QuotaStatus { plan: plan.name().clone(), used, quota: plan.quota() })
    }

    /// One key.
    ///
    /// # Errors
    ///
    /// `NotFound`, or when the store fails.
    pub async fn get(&self, key: KeyId) -> Result<ManagedKey, ManageError> {
        let view = self.view(key).await?;
        self.with_plan(view).await
    }

    /// Changes a key. The next request sees it, everywhere. A patch that changes nothing writes
    /// nothing.
    ///
    /// # Errors
    ///
    /// `NotFound`, an expiration date that is not in the future, or when the store fails.
    pub async fn update(&self, key: KeyId, patch: KeyPatch) -> Result<ManagedKey, ManageError> {
        let inner = &*self.inner;
        self.refuse_past(patch.expires_at.flatten())?;
        for _ in 0..ATTEMPTS {
            let view = self.view(key).await?;
            let (row, edits) = view.row.patched(&patch, inner.clock.wall());
            if edits.is_empty() {
                return self.with_plan(view).await;
            }
            let events: Result<Vec<_>, _> =
                edits.into_iter().map(|edit| inner.event(&self.org, Some(key), edit, &self.actor)).collect();
            let kind = ChangeKind::Update {
                row: row.clone(),
                expected_version: view.row.version,
                added: Vec::new(),
                dropped: Vec::new(),
            };
            match inner.commit(&inner.change(kind, events?)?).await? {
                Committed::Done { .. } => return self.with_plan(KeyView { row, ..view }).await,
                Committed::NotFound { .. } => return Err(ManageError::NotFound),
                Committed::VersionConflict => {}
                Committed::QuotaFull { .. } | Committed::PlanChanged | Committed::DuplicateLocator => {
                    return Err(unexpected());
                }
            }
        }
        Err(ManageError::Conflict)
    }

    /// Makes a deactivated key work again. One that is active stays so.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update).
    pub async fn activate(&self, key: KeyId) -> Result<ManagedKey, ManageError> {
        self.update(key, KeyPatch::new().active(true)).await
    }

    /// Makes a key stop working until it is activated. When this has returned, no verification
    /// that begins is let in.
    ///
    /// # Errors
    ///
    /// As [`update`](Self::update).
    pub async fn deactivate(&self, key: KeyId) -> Result<ManagedKey, ManageError> {
        self.update(key, KeyPatch::new().active(false)).await
    }

    /// Deletes a key for good. When this has returned, no verification that begins is let in. The
    /// audit log keeps its name and display prefix.
    ///
    /// # Errors
    ///
    /// `NotFound`, also when it was deleted before, or when the store fails.
    pub async fn delete(&self, key: KeyId) -> Result<(), ManageError> {
        let inner = &*self.inner;
        let event = inner.event(&self.org, Some(key), (Action::KeyDeleted, Changes::new()), &self.actor)?;
        let kind = ChangeKind::Delete { org: self.org.clone(), key };
        match inner.commit(&inner.change(kind, vec![event])?).await? {
            Committed::Done { .. } => Ok(()),
            Committed::NotFound { .. } => Err(ManageError::NotFound),
            _ => Err(unexpected()),
        }
    }

    /// The organization's audit log, newest first. `query` is narrowed to this organization,
    /// whichever it names.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn audit(&self, mut query: AuditQuery) -> Result<Page<AuditEntry, EventId>, ManageError> {
        query.org = self.org.clone();
        query.limit = query.limit.max(1);
        Ok(self.inner.ask("audit", self.inner.store.audit(&query)).await?)
    }

    /// A key's requests and denials by hour or UTC day, from the hour or day of `since` to before
    /// `until`, in ascending order. Hours and days without any are left out.
    ///
    /// # Errors
    ///
    /// `NotFound`, or when the store fails.
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

    async fn with_plan(&self, view: KeyView) -> Result<ManagedKey, ManageError> {
        let (plan, _) = self.inner.standing(&self.org).await?;
        Ok(managed(view, &plan, self.inner.clock.wall()))
    }

    fn refuse_past(&self, expires_at: Option<Timestamp>) -> Result<(), ManageError> {
        match expires_at {
            Some(at) if at <= self.inner.clock.wall() => Err(ManageError::ExpiresInThePast),
            _ => Ok(()),
        }
    }
}

fn managed(view: KeyView, plan: &Plan, now: Timestamp) -> ManagedKey {
    ManagedKey {
        status: view.row.status(now),
        effective_rate_limit: plan.effective_rate_limit(view.row.rate_limit),
        view,
    }
}
