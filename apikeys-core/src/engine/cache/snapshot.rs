use std::sync::Arc;

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
};

/// What the engine has read about a secret: its key, and the plan of the key's organization. A snapshot never changes. A
/// change of the key or plan makes it invalid, see [`Evictions`](super::evictions::Evictions).
#[derive(Debug)]
pub(in crate::engine) struct Snapshot {
    pub(in crate::engine) key: KeyId,
    /// The number of the latest eviction before the store was read.
    pub(super) epoch: Epoch,
    pub(super) slots: Slots,
    active: bool,
    expires_at: Option<Timestamp>,
    /// The time at which the secret stops working, if that is before its key stops working.
    ends_at: Option<Timestamp>,
    pub(in crate::engine) rate_limit: RateLimit,
    pub(in crate::engine) live: Arc<LiveKey>,
    pub(in crate::engine) plan: Arc<Plan>,
    pub(in crate::engine) org: OrgId,
    pub(in crate::engine) name: KeyName,
}

impl Snapshot {
    pub(in crate::engine) fn new(found: FoundKey, plan: Arc<Plan>, live: Arc<LiveKey>, epoch: Epoch) -> Self {
        let FoundKey { secret, key, .. } = found;
        Self {
            key: key.id,
            epoch,
            slots: Slots::of(key.id, &key.org),
            active: key.active,
            expires_at: key.expires_at,
            ends_at: secret.ends_at,
            rate_limit: plan.effective_rate_limit(key.rate_limit),
            live,
            plan,
            org: key.org,
            name: key.name,
        }
    }

    /// Returns what a request with the key counts against its rate limit.
    pub(in crate::engine) fn charge(&self) -> Charge<'_> {
        Charge::one(Subject::Key(self.key), self.rate_limit, &self.live.window)
    }

    /// Returns whether the secret has stopped working at `now`. A secret can stop working before its key.
    pub(in crate::engine) fn has_ended(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }

    /// Decides whether the state of the key and its plan allow a request at `now`.
    pub(in crate::engine) fn admit(&self, now: Timestamp) -> Result<(), Denial> {
        admit(Status::at(self.active, self.expires_at, now), &self.plan)
    }
}
