use std::time::Duration;

use async_trait::async_trait;

use super::{KeyRow, StoreResult};
use crate::{
    Timestamp,
    audit::AuditEvent,
    id::{ClaimId, KeyId, OrgId},
    warning::WarningPeriods,
};

/// The part of a store that decides which instance sends an expiry warning, and remembers which warnings were
/// sent.
///
/// An instance that sends a warning has a *claim* on the key. Other instances send no warning for the key until
/// the claim ends. A claim ends when the instance calls [`finish`](Self::finish) or
/// [`postpone`](Self::postpone), and at the latest at the time [`until`](WarningClaim::until).
///
/// A store keeps the *next check* of each key, which is the time at which the key may be due for a warning.
/// When [`commit`](super::KeyStore::commit) creates or updates an active key with an expiration, `commit` sets
/// the next check so that the next call of [`claim`](Self::claim) checks the key. If an instance has a claim on
/// the key, `commit` does not change the next check. The deletion of a key also removes the key's next check and
/// its [`SentWarning`].
///
/// Each method is one transaction. A future may be dropped at any point, as with
/// [`KeyStore`](super::KeyStore).
#[async_trait]
pub trait Warnings: Send + Sync {
    /// Checks up to [`max_keys`](WarningClaim::max_keys) keys whose next check is not later than
    /// [`now`](WarningClaim::now), earliest first, and claims those that are due for a warning.
    ///
    /// For each key, [`WarningState::check`] decides. If a warning is due, the store remembers the claim,
    /// sets the next check to the end of the claim, and returns the warning. If the check must be repeated
    /// later, the store sets the next check to the time in [`WhenToWarn::Later`]. Otherwise, the store
    /// removes the next check.
    ///
    /// If the time of an earlier claim on a key is over, a new claim replaces it, because the first instance may
    /// have crashed. Keys of forgotten organizations are not claimed.
    async fn claim(&self, claim: &WarningClaim) -> StoreResult<ClaimedWarnings>;

    /// Records that a warning needs no further attempt, and writes its event if there is one. The
    /// [engine](crate::engine) repeats a call whose answer was lost. If the event is already in the audit log, the
    /// store writes nothing.
    ///
    /// If the key still has the warning's expiration, the store remembers the warning as the [`SentWarning`] of the
    /// key, unless a warning with a shorter period was already sent for that expiration. If the key is still under
    /// the warning's claim, the claim ends, and the next call of [`claim`](Self::claim) checks the key again. If
    /// the key was deleted, the store only writes the event.
    async fn finish(&self, warning: &FinishedWarning) -> StoreResult<FinishOutcome>;

    /// Ends the claim on a key and sets the next check to `until`, because the warning could not be sent. If
    /// the key is no longer under this claim, nothing changes.
    async fn postpone(&self, claim: ClaimId, key: KeyId, until: Timestamp) -> StoreResult<()>;
}

/// The values of a call of [`Warnings::claim`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WarningClaim {
    /// The id of the claim.
    pub id: ClaimId,
    /// The current time.
    pub now: Timestamp,
    /// The time at which the claim ends.
    pub until: Timestamp,
    /// The times before the expiration of a key at which its administrators are warned.
    pub periods: WarningPeriods,
    /// The maximum number of keys that are checked. If it is 0, the store uses 1.
    pub max_keys: u32,
}

impl WarningClaim {
    /// Creates a claim.
    #[must_use]
    pub const fn new(
        id: ClaimId,
        now: Timestamp,
        until: Timestamp,
        periods: WarningPeriods,
        max_keys: u32,
    ) -> Self {
        Self { id, now, until, periods, max_keys }
    }
}

/// The result of a call of [`Warnings::claim`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimedWarnings {
    /// The claimed warnings, at most one for each key.
    pub warnings: Vec<ClaimedWarning>,
    /// True if further keys may have to be checked now.
    pub more: bool,
}

impl ClaimedWarnings {
    /// Creates the result of a claim.
    #[must_use]
    pub const fn new(warnings: Vec<ClaimedWarning>, more: bool) -> Self {
        Self { warnings, more }
    }
}

/// A warning that an instance has claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClaimedWarning {
    /// The key that expires soon.
    pub key: KeyRow,
    /// The time at which the key expires.
    pub expires_at: Timestamp,
    /// How long before the expiration the warning became due.
    pub period: Duration,
}

impl ClaimedWarning {
    /// Creates a claimed warning.
    #[must_use]
    pub const fn new(key: KeyRow, expires_at: Timestamp, period: Duration) -> Self {
        Self { key, expires_at, period }
    }
}

/// A warning that needs no further attempt, for [`Warnings::finish`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FinishedWarning {
    /// The claim under which the warning was sent.
    pub claim: ClaimId,
    /// The organization that owns the key.
    pub org: OrgId,
    /// The key.
    pub key: KeyId,
    /// The expiration and the period of the warning.
    pub sent: SentWarning,
    /// The audit event of the sent warning. The value is `None` if the warning will never be sent, for example
    /// because the organization has no administrators. If the store refuses the event of a warning, the engine calls
    /// [`finish`](Warnings::finish) once more with `None`.
    pub event: Option<AuditEvent>,
}

impl FinishedWarning {
    /// Creates a warning that needs no further attempt.
    #[must_use]
    pub const fn new(
        claim: ClaimId,
        org: OrgId,
        key: KeyId,
        sent: SentWarning,
        event: Option<AuditEvent>,
    ) -> Self {
        Self { claim, org, key, sent, event }
    }
}

/// The outcome of [`Warnings::finish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FinishOutcome {
    /// The warning was recorded, now or by an earlier call with the same event.
    Done,
    /// The organization was forgotten. Nothing was written.
    Forgotten,
}

/// The warning that was sent last for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentWarning {
    /// The expiration that the warning named.
    pub expires_at: Timestamp,
    /// How long before the expiration the warning became due.
    pub period: Duration,
}

impl SentWarning {
    /// Creates a sent warning.
    #[must_use]
    pub const fn new(expires_at: Timestamp, period: Duration) -> Self {
        Self { expires_at, period }
    }

    /// Decides which warning a store remembers for a key when `self` is finished: `self`, or the warning `stored` that
    /// the store remembers so far. `expires_at` is the current expiration of the key.
    ///
    /// The method returns `stored` if the expiration of the key has changed since `self` was claimed, or if `stored`
    /// is a warning for the same expiration with a shorter period. Otherwise, the method returns `self`.
    #[must_use]
    pub fn after(self, stored: Option<Self>, expires_at: Option<Timestamp>) -> Option<Self> {
        let shorter_was_sent =
            stored.is_some_and(|sent| sent.expires_at == self.expires_at && sent.period < self.period);
        if expires_at == Some(self.expires_at) && !shorter_was_sent { Some(self) } else { stored }
    }
}

/// The part of a key's stored state on which its warnings depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores and tests create the value field by field")]
pub struct WarningState {
    /// Whether the key is active.
    pub active: bool,
    /// The time from which the key is refused. `None` means that the key never expires.
    pub expires_at: Option<Timestamp>,
    /// The time at which `expires_at` was last set. `None` means that the key never expires, or that the time is
    /// unknown.
    pub expiry_set_at: Option<Timestamp>,
    /// The warning that was sent last for the key. `None` means that no warning was sent.
    pub sent: Option<SentWarning>,
}

/// Whether a warning is due for a key. Returned by [`WarningState::check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle every case")]
pub enum WhenToWarn {
    /// A warning is due now. The value is the period of the warning, such as 7 days: how long before the expiration
    /// the warning became due.
    Now(Duration),
    /// No warning is due now. The value is the time at which the key must be checked again.
    Later(Timestamp),
    /// No warning will be due until the key is updated.
    Never,
}

/// The longest time until a key is checked again, so that changed periods apply to all keys.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

impl WarningState {
    /// Returns the state of a key. `sent` is the warning that was sent last for the key.
    #[must_use]
    pub const fn of(row: &KeyRow, sent: Option<SentWarning>) -> Self {
        Self { active: row.active, expires_at: row.expires_at, expiry_set_at: row.expiry_set_at, sent }
    }

    /// Decides whether the key is due for a warning at `now`.
    ///
    /// With a period of 7 days, a warning is due from 7 days before the expiration until the expiration. If
    /// warnings for several periods are due, only the warning for the shortest period is sent. After that, only
    /// warnings for shorter periods are sent for the same expiration. A warning is not sent if less time than
    /// its period was left when the expiration was set.
    ///
    /// A key that is due later is checked again after a day at the latest, so that changed periods apply.
    #[must_use]
    pub fn check(&self, periods: &WarningPeriods, now: Timestamp) -> WhenToWarn {
        let Some(expires_at) = self.expires_at.filter(|end| self.active && now < *end) else {
            return WhenToWarn::Never;
        };
        let applies = |period: &&Duration| {
            let sent = self.sent.filter(|sent| sent.expires_at == expires_at);
            let begin = expires_at.saturating_sub(**period);
            sent.is_none_or(|sent| **period < sent.period)
                && self.expiry_set_at.is_none_or(|set| set <= begin)
        };
        let periods = periods.as_slice().iter().filter(applies);
        // The periods are sorted, so the last one that is due is the shortest, and the first other is the next.
        let mut due = None;
        for period in periods {
            let begin = expires_at.saturating_sub(*period);
            if begin > now {
                return due.map_or_else(|| later(now, begin), WhenToWarn::Now);
            }
            due = Some(*period);
        }
        due.map_or_else(|| later(now, expires_at), WhenToWarn::Now)
    }
}

fn later(now: Timestamp, time: Timestamp) -> WhenToWarn {
    WhenToWarn::Later(time.min(now.saturating_add(LONGEST_WAIT)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rules, one by one, in whole seconds.
    fn expected(state: &WarningState, periods: &[u64], now: i64) -> WhenToWarn {
        let seconds = |time: Timestamp| time.as_micros() / 1_000_000;
        let Some(end) = state.expires_at.map(seconds) else { return WhenToWarn::Never };
        if !state.active || now >= end {
            return WhenToWarn::Never;
        }
        let mut due = Vec::new();
        let mut next = vec![end, now + 86_400];
        for period in periods {
            let length = i64::try_from(*period).unwrap();
            let too_short = state.expiry_set_at.is_some_and(|set| end - seconds(set) < length);
            let done = state
                .sent
                .is_some_and(|sent| seconds(sent.expires_at) == end && sent.period.as_secs() <= *period);
            if too_short || done {
                continue;
            }
            if end - length <= now {
                due.push(*period);
            } else {
                next.push(end - length);
            }
        }
        match due.iter().min() {
            Some(shortest) => WhenToWarn::Now(Duration::from_secs(*shortest)),
            None => WhenToWarn::Later(at(*next.iter().min().unwrap())),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn check_follows_the_rules(
            active in prop::bool::weighted(0.9),
            end in prop::option::weighted(0.95, 0..40_i64),
            set in prop::option::of(-20..40_i64),
            sent in prop::option::of((0..40_i64, 1..20_u64)),
            periods in prop::collection::vec(1..20_u64, 1..6),
            now in -20..45_i64,
            day in prop::bool::weighted(0.2),
        ) {
            // With long units, the next check is a day later at the latest.
            let unit: u32 = if day { 86_400 / 4 } else { 1 };
            let (signed, unsigned) = (i64::from(unit), u64::from(unit));
            let state = WarningState {
                active,
                expires_at: end.map(|end| at(end * signed)),
                expiry_set_at: set.map(|set| at(set * signed)),
                sent: sent.map(|(end, period)| {
                    SentWarning::new(at(end * signed), Duration::from_secs(period * unsigned))
                }),
            };
            let periods: Vec<_> = periods.into_iter().map(|period| period * unsigned).collect();
            let list = WarningPeriods::new(periods.iter().copied().map(Duration::from_secs)).unwrap();
            let now = now * signed;
            prop_assert_eq!(state.check(&list, at(now)), expected(&state, &periods, now));
        }
    }

    #[test]
    fn sent_warning_replaces_only_longer_periods_of_the_current_expiration() {
        let sent = |end, period| Some(SentWarning::new(at(end), Duration::from_secs(period)));
        let after = |now: Option<SentWarning>, stored, end| now.unwrap().after(stored, Some(at(end)));
        assert_eq!(after(sent(9, 5), None, 9), sent(9, 5));
        assert_eq!(after(sent(9, 5), sent(9, 7), 9), sent(9, 5));
        assert_eq!(after(sent(9, 5), sent(9, 3), 9), sent(9, 3));
        assert_eq!(after(sent(9, 5), sent(8, 3), 9), sent(9, 5));
        assert_eq!(after(sent(8, 5), sent(9, 7), 9), sent(9, 7));
        assert_eq!(after(sent(8, 5), None, 9), None);
        assert_eq!(SentWarning::new(at(9), Duration::from_secs(5)).after(None, None), None);
    }
}
