//! Sends warnings before keys expire.

use std::{collections::HashSet, pin::pin, time::Duration};

use futures_util::{
    future::{Either, pending, select},
    stream::{FuturesUnordered, StreamExt},
};

use super::{inner::Inner, timeout::for_at_most};
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

/// The largest number of warnings that are sent at the same time.
const KEYS: usize = 16;
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
    let mut running = Running { sends: FuturesUnordered::new(), keys: HashSet::new() };
    loop {
        let free = KEYS.saturating_sub(running.keys.len());
        if free == 0 {
            running.next().await;
            continue;
        }
        let claimed = running.beside(sender.claim(free)).await;
        let more = match claimed {
            Ok((sends, more)) => {
                running.add(sends);
                more
            }
            Err(error) => {
                inner.observer.store_failed(&error);
                false
            }
        };
        if !more {
            running.beside(inner.clock.sleep(pause)).await;
        }
    }
}

/// The warnings that are being sent.
struct Running<F> {
    /// Each future returns the id of its key.
    sends: FuturesUnordered<F>,
    keys: HashSet<KeyId>,
}

impl<F: Future<Output = KeyId>> Running<F> {
    /// Adds warnings, except those that are already being sent. The store returns such a warning again if the
    /// first claim on its key has ended and the store has not yet recorded that the warning was sent.
    fn add(&mut self, sends: Vec<(KeyId, F)>) {
        for (key, send) in sends {
            if self.keys.insert(key) {
                self.sends.push(send);
            }
        }
    }

    /// Waits until a warning was sent.
    async fn next(&mut self) {
        if let Some(key) = self.sends.next().await {
            self.keys.remove(&key);
        }
    }

    /// Waits for `work`, and meanwhile sends the warnings.
    async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        while !self.keys.is_empty() {
            match select(work.as_mut(), pin!(self.next())).await {
                Either::Left((done, _)) => return done,
                Either::Right(((), _)) => {}
            }
        }
        work.await
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
    /// Claims up to `most` warnings. Returns a future for each that sends the warning, and whether further keys
    /// may be due. During a shutdown, no warning is claimed.
    async fn claim(&self, most: usize) -> StoreResult<(Vec<(KeyId, impl Future<Output = KeyId>)>, bool)> {
        let Some(sending) = self.inner.lifecycle.begin_warning() else {
            return Ok((Vec::new(), false));
        };
        let claim = ClaimId::from_bytes(self.inner.fresh_id());
        let now = self.inner.clock.wall();
        // The attempts end at half of the claim, so that no other instance sends the same warning meanwhile.
        let lasts = self.settings.claim_lasts();
        let end = self.inner.clock.monotonic().saturating_add(lasts / 2);
        let until = now.saturating_add(lasts);
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let request = WarningClaim::new(claim, now, until, self.settings.periods.clone(), most);
        let claimed = self.inner.ask("claim", self.store.claim(&request)).await?;
        let sends = claimed.warnings.into_iter().map(|warning| {
            let (key, sending) = (warning.key.id, sending.clone());
            let send = async move {
                self.send(claim, &warning, end).await;
                drop(sending);
                key
            };
            (key, send)
        });
        Ok((sends.collect(), claimed.more))
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
