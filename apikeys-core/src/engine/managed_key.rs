use crate::{
    Timestamp,
    id::{Actor, KeyId, OrgId},
    key::{KeyName, KeyView, Status},
    plan::{PlanName, Plans, Quota},
    rate_limit::RateLimit,
    token::Secret,
};

/// A key that was just created, with its secret.
#[derive(Debug)]
#[non_exhaustive]
pub struct CreatedKey {
    /// The key.
    pub key: ManagedKey,
    /// The text that a caller sends. It is not stored: this is the only time it can be read.
    pub secret: Secret,
}

/// A key as its organization's administrator sees it.
///
/// The values are those of the moment at which the key was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedKey {
    view: KeyView,
    status: Status,
    effective_rate_limit: RateLimit,
}

impl ManagedKey {
    pub(super) fn new(view: KeyView, plans: &Plans, now: Timestamp) -> Self {
        let own = view.row.rate_limit;
        let effective_rate_limit = match plans.get(&view.plan) {
            Some(plan) => plan.effective_rate_limit(own),
            None => own.unwrap_or_default(),
        };
        Self { status: view.row.status(now), effective_rate_limit, view }
    }

    /// The key's id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.view.row.id
    }

    /// The organization that owns the key.
    #[must_use]
    pub fn org(&self) -> &OrgId {
        &self.view.row.org
    }

    /// The name that an administrator gave the key.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.view.row.name
    }

    /// The prefix and the first four characters of the key's secret.
    #[must_use]
    pub fn display_prefix(&self) -> &str {
        &self.view.row.display_prefix
    }

    /// The key's status.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether the key is activated. An activated key may be expired: see
    /// [`status`](Self::status).
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.view.row.active
    }

    /// When the key was created.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.view.row.created_at
    }

    /// The actor who created the key.
    #[must_use]
    pub fn created_by(&self) -> &Actor {
        &self.view.row.created_by
    }

    /// When the key stops working; `None` means never.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.view.row.expires_at
    }

    /// The key's own rate limit; `None` means that the key follows its plan's.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.view.row.rate_limit
    }

    /// The rate limit that applies to the key: its own, or its plan's.
    ///
    /// If the organization's stored plan is not in the catalogue, the key does not work. A key
    /// without a limit of its own then shows [`RateLimit::DEFAULT`].
    #[must_use]
    pub fn effective_rate_limit(&self) -> RateLimit {
        self.effective_rate_limit
    }

    /// How many admitted requests are recorded. The number lags behind by the flush interval at
    /// most, as long as the store is available.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.view.request_count
    }

    /// When the latest recorded request began; `None` if there is none.
    #[must_use]
    pub fn last_used_at(&self) -> Option<Timestamp> {
        self.view.last_used_at
    }
}

/// A page of an organization's keys, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyListing {
    /// The keys.
    pub items: Vec<ManagedKey>,
    /// The place to continue from: pass it to the next call. `None` at the end of the list.
    pub next: Option<KeyId>,
    /// How many keys the organization has and may have.
    pub quota: QuotaUsage,
}

/// How many keys an organization has and may have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaUsage {
    /// The plan that the organization is on.
    pub plan: PlanName,
    /// How many keys exist, whatever their status.
    pub used: u32,
    /// How many keys the plan allows. If the stored plan is not in the catalogue, this is
    /// `Limited(0)`, because no key can be created.
    pub quota: Quota,
}
