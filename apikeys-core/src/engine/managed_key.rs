use crate::{
    Timestamp,
    id::{Actor, KeyId, OrgId},
    key::{KeyName, Status},
    plan::{PlanName, Plans, Quota},
    rate_limit::RateLimit,
    store::KeyView,
    token::Secret,
};

/// A key that was just created, with its secret.
#[derive(Debug)]
#[non_exhaustive]
pub struct CreatedKey {
    /// The key.
    pub key: ManagedKey,
    /// The text that a program sends with each request. The text is not stored, so this field is the only
    /// place where it can be read.
    pub secret: Secret,
}

/// A key as its organization's administrator sees it.
///
/// The values are those that the key had when it was read.
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

    /// Returns the key's id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.view.row.id
    }

    /// Returns the organization that owns the key.
    #[must_use]
    pub fn org(&self) -> &OrgId {
        &self.view.row.org
    }

    /// Returns the name that an administrator gave the key.
    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.view.row.name
    }

    /// Returns the beginning of the key's secret: its prefix, `_` and the next four characters, such as
    /// `acme_live_7Hc3`.
    #[must_use]
    pub fn display_prefix(&self) -> &str {
        &self.view.row.display_prefix
    }

    /// Returns the key's status.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status
    }

    /// Returns whether the key is activated. An activated key may be expired. [`status`](Self::status) also
    /// considers the expiration date.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.view.row.active
    }

    /// Returns when the key was created.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.view.row.created_at
    }

    /// Returns the actor who created the key.
    #[must_use]
    pub fn created_by(&self) -> &Actor {
        &self.view.row.created_by
    }

    /// Returns when the key expires. `None` means that the key does not expire.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.view.row.expires_at
    }

    /// Returns the key's own rate limit. `None` means that the default rate limit of the plan applies.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.view.row.rate_limit
    }

    /// Returns the rate limit that applies to the key: the key's own limit, or the default of its plan.
    ///
    /// If the organization's stored plan is not in the catalogue, the key does not work. A key
    /// without a limit of its own then shows [`RateLimit::DEFAULT`].
    #[must_use]
    pub fn effective_rate_limit(&self) -> RateLimit {
        self.effective_rate_limit
    }

    /// Returns how many admitted requests of the key are recorded. As long as the store is available, a request is
    /// recorded within the [`flush_interval`](super::Builder::flush_interval) after its end.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.view.request_count
    }

    /// Returns when the key was last used: the start of its latest recorded request. Denied requests are not
    /// considered. `None` means that no admitted request is recorded.
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
    /// The value to pass as `after` to get the next page. `None` means that there are no more keys.
    pub next: Option<KeyId>,
    /// The number of keys that the organization has, and the number that it may have.
    pub quota: QuotaUsage,
}

/// The number of keys that an organization has, and the number that it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaUsage {
    /// The plan that the organization is on.
    pub plan: PlanName,
    /// The number of the organization's keys, including deactivated and expired keys.
    pub used: u32,
    /// The number of keys that the plan allows. If the stored plan is not in the catalogue, the quota is
    /// `Limited(0)`, because no key can be created.
    pub quota: Quota,
}
