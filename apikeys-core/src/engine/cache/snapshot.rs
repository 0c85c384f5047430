use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::evictions::{Epoch, Slots};
use crate::{
    Timestamp,
    access::admit,
    denial::Denial,
    engine::live_keys::LiveKey,
    id::{KeyId, OrgId},
    key::{KeyName, Status},
    limiter::{Charge, Subject},
    plan::Plan,
    rate_limit::RateLimit,
    store::FoundKey,
    token::Fingerprint,
};

/// A time that is later than all timestamps, and means 'never'. It takes less memory than an `Option`.
const NEVER: i64 = i64::MAX;

/// The key of a secret and the plan of the key's organization, as the engine has read them from the store. A change of
/// the key or plan does not update the snapshot but makes it invalid, see [`Evictions`](super::evictions::Evictions).
#[derive(Debug)]
pub(in crate::engine) struct Snapshot {
    /// The fingerprint of the secret.
    pub(super) fingerprint: Fingerprint,
    pub(in crate::engine) key: KeyId,
    /// The number of the latest eviction before the store was read.
    pub(super) epoch: Epoch,
    pub(super) slots: Slots,
    active: bool,
    /// The time at which the key expires, or [`NEVER`].
    expires_at: i64,
    /// The time at which the secret stops working, or [`NEVER`].
    ends_at: i64,
    pub(in crate::engine) rate_limit: RateLimit,
    pub(in crate::engine) live: Arc<LiveKey>,
    pub(in crate::engine) plan: Arc<Plan>,
    pub(in crate::engine) org: OrgId,
    pub(in crate::engine) name: KeyName,
    /// Whether a request was decided with the snapshot since the last sweep, other than in the key's window.
    used: AtomicBool,
}

impl Snapshot {
    /// Creates the snapshot of a key that was read from the store. `epoch` was the latest eviction before the read.
    pub(in crate::engine) fn new(
        fingerprint: Fingerprint,
        found: FoundKey,
        (plan, live): (Arc<Plan>, Arc<LiveKey>),
        epoch: Epoch,
    ) -> Self {
        let FoundKey { secret, key, .. } = found;
        Self {
            fingerprint,
            key: key.id,
            epoch,
            slots: Slots::of(key.id, &key.org),
            active: key.active,
            expires_at: key.expires_at.map_or(NEVER, Timestamp::as_micros),
            ends_at: secret.ends_at.map_or(NEVER, Timestamp::as_micros),
            rate_limit: plan.effective_rate_limit(key.rate_limit),
            live,
            plan,
            org: key.org,
            name: key.name,
            used: AtomicBool::new(false),
        }
    }

    /// Keeps the snapshot in memory until the sweep after the next. Requests that are counted in the key's window need not
    /// call this.
    pub(in crate::engine) fn mark_used(&self) {
        self.used.store(true, Ordering::Relaxed);
    }

    /// Returns whether [`mark_used`](Self::mark_used) was called since the last call of this method.
    pub(super) fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    /// Returns the charge of one request against the rate limit of the key.
    pub(in crate::engine) fn charge(&self) -> Charge<'_> {
        Charge::one(Subject::Key(self.key), self.rate_limit, &self.live.window)
    }

    /// Returns whether the secret has stopped working at `now`. A secret can stop working before its key expires.
    pub(in crate::engine) fn has_ended(&self, now: Timestamp) -> bool {
        self.ends_at <= now.as_micros()
    }

    /// Decides whether the state of the key and its plan allow a request at `now`.
    pub(in crate::engine) fn admit(&self, now: Timestamp) -> Result<(), Denial> {
        let expires_at = (self.expires_at != NEVER).then(|| Timestamp::from_micros(self.expires_at));
        admit(Status::at(self.active, expires_at, now), &self.plan)
    }
}
