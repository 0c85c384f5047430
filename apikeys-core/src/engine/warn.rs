//! Sends warnings before keys expire.

use std::time::Duration;

use futures_util::future::{join_all, pending};

use super::{inner::Inner, lifecycle::Work, timeout::for_at_most};
use crate::{
    Timestamp,
    audit::{Action, Changes},
    clock::Monotonic,
    id::{Actor, ClaimId, KeyId},
    store::{
        ClaimedWarning, FinishOutcome, FinishedWarning, SentWarning, StoreResult, WarningClaim, Warnings,
    },
    warning::{ExpiryWarning, ExpiryWarnings, NotifyError},
};

/// The number of keys that are checked at once, and the largest number of warnings that are sent at the same
/// time.
const KEYS: u32 = 16;
/// The pauses between two claims, if no key was due. The pause depends on the shortest period.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// The pauses before the next attempt to send a warning. The pause depends on the period of the warning.
const RETRIES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// The pauses between two attempts to record that a warning was sent.
const FINISH_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// Sends warnings if the builder has set them, and never ends.
pub(super) async fn warning_loop(inner: &Inner) {
    let (Some(settings), Some(store)) = (&inner.warnings, inner.store.warnings()) else {
        return pending().await;
    };
    let sender = Sender { inner, settings, store };
    let (shortest, longest) = PAUSES;
    let pause = (settings.periods.shortest() / 10).clamp(shortest, longest);
    loop {
        match sender.round().await {
            Ok(true) => {}
            Ok(false) => inner.clock.sleep(pause).await,
            Err(error) => {
                inner.observer.store_failed(&error);
                inner.clock.sleep(pause).await;
            }
        }
    }
}

struct Sender<'a> {
    inner: &'a Inner,
    settings: &'a ExpiryWarnings,
    store: &'a dyn Warnings,
}

/// The result of an attempt to send a warning.
enum Attempt {
    Sent,
    /// The warning will never be sent.
    GivenUp,
    /// Another attempt can succeed.
    Failed,
}

impl Sender<'_> {
    /// Claims and sends some warnings. Returns whether further keys may be due. During a shutdown, no warning
    /// is claimed.
    async fn round(&self) -> StoreResult<bool> {
        let Some(_under_way) = self.inner.lifecycle.enter(Work::Warning) else {
            return Ok(false);
        };
        let claim = ClaimId::from_bytes(self.inner.fresh_id());
        let now = self.inner.clock.wall();
        // The attempts end at half of the claim, so that no other instance sends the same warning meanwhile.
        let lasts = self.settings.claim_lasts();
        let end = self.inner.clock.monotonic().saturating_add(lasts / 2);
        let until = now.saturating_add(lasts);
        let request = WarningClaim::new(claim, now, until, self.settings.periods.clone(), KEYS);
        let claimed = self.inner.ask("claim", self.store.claim(&request)).await?;
        join_all(claimed.warnings.iter().map(|warning| self.send(claim, warning, end))).await;
        Ok(claimed.more)
    }

    async fn send(&self, claim: ClaimId, warning: &ClaimedWarning, end: Monotonic) {
        let left = end.saturating_since(self.inner.clock.monotonic());
        let attempt = for_at_most(&*self.inner.clock, left, self.attempt(warning)).await;
        let event = match attempt {
            Some(Attempt::Sent) => {
                let (org, key) = (&warning.key.org, Some(warning.key.id));
                let warned = (Action::KeyExpiryWarned, Changes::new());
                Some(self.inner.event(org, key, warned, &Actor::system()))
            }
            Some(Attempt::GivenUp) => None,
            Some(Attempt::Failed) => return self.try_later(claim, warning).await,
            None => {
                self.inner.observer.warning_timed_out(warning.key.id);
                return self.try_later(claim, warning).await;
            }
        };
        let sent = SentWarning::new(warning.expires_at, warning.period);
        let (org, key) = (warning.key.org.clone(), warning.key.id);
        self.finish(&FinishedWarning::new(claim, org, key, sent, event)).await;
    }

    /// Asks for the recipients and sends the warning to them.
    async fn attempt(&self, claimed: &ClaimedWarning) -> Attempt {
        let observer = &self.inner.observer;
        let ClaimedWarning { key, expires_at, period } = claimed;
        let recipients = match self.settings.contacts.admins(&key.org).await {
            Ok(recipients) => recipients,
            Err(error) => {
                observer.warning_failed(key.id, &NotifyError::temporary(error));
                return Attempt::Failed;
            }
        };
        if recipients.is_empty() {
            observer.warning_without_recipients(key.id);
            return Attempt::GivenUp;
        }
        if self.inner.clock.wall() >= *expires_at {
            // The next check of the key finds that the key has expired.
            return Attempt::Failed;
        }
        let shown = (key.id, key.name.clone(), key.display_prefix.clone());
        let warning = ExpiryWarning::new(key.org.clone(), shown, *expires_at, *period, recipients);
        match self.settings.notifier.notify(&warning).await {
            Ok(()) => {
                observer.warning_sent();
                Attempt::Sent
            }
            Err(error) => {
                observer.warning_failed(key.id, &error);
                if error.is_temporary() { Attempt::Failed } else { Attempt::GivenUp }
            }
        }
    }

    /// Records that the warning needs no further attempt. While the store is unavailable, this function tries
    /// again, because otherwise an instance would send the warning again.
    async fn finish(&self, warning: &FinishedWarning) {
        let (mut pause, longest) = FINISH_PAUSES;
        loop {
            match self.inner.ask("finish", self.store.finish(warning)).await {
                Ok(FinishOutcome::Done | FinishOutcome::Forgotten) => return,
                Err(error) => {
                    self.inner.observer.store_failed(&error);
                    if !error.is_temporary() {
                        return self.finish_in_part(warning).await;
                    }
                }
            }
            self.inner.clock.sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// Records a warning whose event the store refuses permanently. Without the record, the warning would be
    /// sent again after every claim.
    async fn finish_in_part(&self, warning: &FinishedWarning) {
        let without_event = FinishedWarning { event: None, ..warning.clone() };
        if let Err(error) = self.inner.ask("finish", self.store.finish(&without_event)).await {
            self.inner.observer.store_failed(&error);
            self.postpone(warning.claim, warning.key, warning.sent.expires_at).await;
        }
    }

    /// Ends the claim, so that any instance can try again after a pause. If this fails, the claim ends by
    /// itself.
    async fn try_later(&self, claim: ClaimId, warning: &ClaimedWarning) {
        let (shortest, longest) = RETRIES;
        let pause = (warning.period / 100).clamp(shortest, longest);
        let until = self.inner.clock.wall().saturating_add(pause);
        self.postpone(claim, warning.key.id, until).await;
    }

    async fn postpone(&self, claim: ClaimId, key: KeyId, until: Timestamp) {
        let postponed = self.store.postpone(claim, key, until);
        if let Err(error) = self.inner.ask("postpone", postponed).await {
            self.inner.observer.store_failed(&error);
        }
    }
}
