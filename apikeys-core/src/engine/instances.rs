use std::sync::atomic::Ordering;

use super::inner::Inner;
use crate::{limiter::LimiterState, store::Revision};

/// No instance has applied all changes up to this revision, so that all registered instances are behind it. Databases store
/// revisions as signed numbers.
const LAST: Revision = Revision(i64::MAX.unsigned_abs());

impl Inner {
    /// Notices that other instances use the store, although the limiter counts the requests of this instance only.
    ///
    /// Only an instance that has registered later than this one is noticed. An earlier one may have crashed, and its row
    /// remains until the next change. Of two instances that run, the earlier one notices the other. The ids of instances
    /// are ordered by time.
    pub(super) async fn look_for_instances(&self) {
        let (Some(coherence), Some(own)) = (self.store.coherence(), self.cache.registered()) else { return };
        if self.limiter.state() != LimiterState::Local {
            return;
        }
        let registered = coherence.behind(LAST);
        match self.ask("behind", registered).await {
            Ok(registered) => {
                let alone = registered.iter().any(|other| other.instance > own);
                self.instances_limit_alone.store(alone, Ordering::Relaxed);
                self.observer.instances_limit_alone(alone);
            }
            Err(error) => self.observer.store_failed(&error),
        }
    }
}
