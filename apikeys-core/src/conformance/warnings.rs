//! Requirements on [`Warnings`], which stores support optionally ([`Harness::supports_warnings`]). The docs of
//! [`Warnings`] explain what a claim is.
//!
//! [`Harness::supports_warnings`]: super::Harness::supports_warnings

use std::{collections::BTreeSet, time::Duration};

use super::{
    AnyHarness,
    fixture::{Fixture, NOW, actor, create, delete, org, renamed, update},
    harness::race,
};
use crate::{
    Timestamp,
    audit::{Action, AuditEvent},
    id::{ClaimId, OrgId},
    store::{
        ChangeKind, ClaimedWarning, ClaimedWarnings, FinishOutcome, FinishedWarning, KeyRow, KeyStore,
        SentWarning, WarningClaim, Warnings,
    },
    warning::WarningPeriods,
};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// How long the claims of the suite last.
const CLAIM: Duration = Duration::from_secs(300);

/// A store with warnings, and the periods of its claims.
struct Bench {
    store: Fixture,
    periods: WarningPeriods,
}

impl Bench {
    /// Opens a store. Returns `None` if the harness says that the store does not support warnings.
    async fn open(harness: &dyn AnyHarness) -> Option<Self> {
        let store = Fixture::open(harness).await;
        let supported = store.warnings().is_some();
        assert_eq!(supported, harness.supports_warnings(), "`warnings` does not fit `supports_warnings`");
        supported.then(|| Self { store, periods: WarningPeriods::default() })
    }

    fn warnings(&self) -> &dyn Warnings {
        self.store.warnings().expect("warnings")
    }

    /// Stores a key that was created 30 days before `NOW` and expires at `expires_at`.
    async fn key(&self, org: &OrgId, expires_at: Option<Timestamp>) -> KeyRow {
        let created_at = NOW.saturating_sub(30 * DAY);
        let row = self.store.row(org);
        let expiry_set_at = expires_at.map(|_| created_at);
        let row = KeyRow { created_at, expires_at, expiry_set_at, ..row };
        self.store.done(create(&row, &[self.store.secret(row.id)])).await;
        row
    }

    /// Updates a key and returns its new row.
    async fn update(&self, row: &KeyRow, change: impl FnOnce(&mut KeyRow)) -> KeyRow {
        let mut row = renamed(row, "renamed");
        change(&mut row);
        self.store.done(update(&row)).await;
        row
    }

    fn request(&self, now: Timestamp, max_keys: u32) -> WarningClaim {
        let id = ClaimId::from_bytes(self.store.bytes());
        WarningClaim::new(id, now, now.saturating_add(CLAIM), self.periods.clone(), max_keys)
    }

    async fn claim_some(&self, request: &WarningClaim) -> ClaimedWarnings {
        self.warnings().claim(request).await.expect("claim")
    }

    /// Claims all keys that are due at `now`.
    async fn claim(&self, now: Timestamp) -> (ClaimId, Vec<ClaimedWarning>) {
        let request = self.request(now, 100);
        let claimed = self.claim_some(&request).await;
        assert!(!claimed.more, "the suite stores fewer keys");
        (request.id, claimed.warnings)
    }

    /// Asserts that exactly these keys are due at `now`, and returns the claim.
    async fn assert_due(&self, now: Timestamp, due: &[(&KeyRow, Duration)]) -> ClaimId {
        let (claim, mut claimed) = self.claim(now).await;
        claimed.sort_by_key(|warning| warning.key.id);
        let expected: Vec<_> = due
            .iter()
            .map(|(row, period)| {
                ClaimedWarning::new((*row).clone(), row.expires_at.expect("an expiration"), *period)
            })
            .collect();
        assert_eq!(claimed, expected);
        claim
    }

    fn finished(&self, claim: ClaimId, row: &KeyRow, period: Duration) -> FinishedWarning {
        let mut event = self.store.event(&row.org, Some(row.id), Action::KeyExpiryWarned);
        event.actor = Some(actor("system"));
        let sent = SentWarning::new(row.expires_at.expect("an expiration"), period);
        FinishedWarning::new(claim, row.org.clone(), row.id, sent, Some(event))
    }

    async fn finish(&self, warning: &FinishedWarning) -> FinishOutcome {
        self.warnings().finish(warning).await.expect("finish")
    }

    async fn sent(&self, claim: ClaimId, row: &KeyRow, period: Duration) {
        assert_eq!(self.finish(&self.finished(claim, row, period)).await, FinishOutcome::Done);
    }

    /// Returns the events of sent warnings, newest first.
    async fn warned(&self, org: &OrgId) -> Vec<AuditEvent> {
        let log = self.store.log(org).await.into_iter().map(|entry| entry.event);
        log.filter(|event| event.action == Action::KeyExpiryWarned).collect()
    }
}

fn at(offset: Duration) -> Option<Timestamp> {
    Some(NOW.saturating_add(offset))
}

/// A [claim](Warnings) returns each key that is due for a warning, with all fields of the key. The key is not
/// claimed again before the claim ends. When the time of the claim is over, the key can be claimed again.
pub async fn due_key_is_claimed_once_until_the_claim_ends(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let row = bench.key(&org("o"), at(3 * DAY)).await;
    bench.assert_due(NOW, &[(&row, 7 * DAY)]).await;
    let end = NOW.saturating_add(CLAIM);
    bench.assert_due(end.saturating_sub(Duration::from_micros(1)), &[]).await;
    bench.assert_due(end, &[(&row, 7 * DAY)]).await;
    bench.assert_due(end, &[]).await;
}

/// If many instances claim warnings concurrently, each key that is due is claimed exactly once.
pub async fn concurrent_claims_claim_each_key_once(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let mut keys = BTreeSet::new();
    for number in 0..40 {
        keys.insert(bench.key(&org(&format!("o{}", number % 3)), at(3 * DAY)).await.id);
    }
    let claims: Vec<_> = (0..8)
        .map(|_| {
            let (store, request) = (bench.store.shared(), bench.request(NOW, 7));
            async move {
                let mut claimed = Vec::new();
                loop {
                    let some = store.warnings().expect("warnings").claim(&request).await.expect("claim");
                    claimed.extend(some.warnings.into_iter().map(|warning| warning.key.id));
                    if !some.more {
                        return claimed;
                    }
                }
            }
        })
        .collect();
    let claimed: Vec<_> = race(harness, claims).await.into_iter().flatten().collect();
    assert_eq!(claimed.len(), keys.len(), "each key once");
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>(), keys);
}

/// A claim checks at most [`max_keys`](WarningClaim::max_keys) keys, and says whether further keys may have to
/// be checked.
pub async fn claim_checks_a_limited_number_of_keys(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    // A claim of 0 keys checks one.
    for (max_keys, fewest_calls) in [(2, 5), (0, 10)] {
        let mut keys = BTreeSet::new();
        for _ in 0..5 {
            keys.insert(bench.key(&org("o"), at(3 * DAY)).await.id);
            bench.key(&org("o"), at(20 * DAY)).await;
        }
        let (mut claimed, mut calls) = (BTreeSet::new(), 0);
        loop {
            let some = bench.claim_some(&bench.request(NOW, max_keys)).await;
            assert!(some.warnings.len() <= 2);
            claimed.extend(some.warnings.into_iter().map(|warning| warning.key.id));
            calls += 1;
            if !some.more {
                break;
            }
            assert!(calls < 20, "the keys that were checked must not be checked again");
        }
        assert_eq!(claimed, keys);
        assert!(calls >= fewest_calls, "ten keys are checked in {calls} calls");
    }
}

/// With a [period](WarningPeriods) of 7 days, a key is due for a warning from 7 days before its expiration until
/// the expiration. These keys are not due: keys without an expiration, deactivated keys, and keys whose
/// expiration was set when less than 7 days were left.
pub async fn only_active_keys_within_a_period_are_due(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let org = org("o");
    let begin = bench.key(&org, at(7 * DAY)).await;
    let end = bench.key(&org, at(Duration::from_micros(1))).await;
    bench.key(&org, at(7 * DAY + Duration::from_micros(1))).await;
    bench.key(&org, at(Duration::ZERO)).await;
    bench.key(&org, None).await;
    let inactive = bench.key(&org, at(3 * DAY)).await;
    bench.update(&inactive, |row| row.active = false).await;
    let late = bench.key(&org, at(3 * DAY)).await;
    bench
        .update(&late, |row| row.expiry_set_at = Some(NOW.saturating_sub(4 * DAY).saturating_add(HOUR)))
        .await;
    bench.assert_due(NOW, &[(&begin, 7 * DAY), (&end, 7 * DAY)]).await;
}

/// If a warning becomes due many days after the creation of its key, the key is claimed at that time and not earlier.
pub async fn key_is_claimed_when_it_becomes_due(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let row = bench.key(&org("o"), at(20 * DAY)).await;
    let due = NOW.saturating_add(13 * DAY);
    let mut now = NOW;
    while now < due {
        bench.assert_due(now, &[]).await;
        now = now.saturating_add(5 * HOUR);
    }
    bench.assert_due(due, &[(&row, 7 * DAY)]).await;
}

/// If warnings for several [periods](WarningPeriods) are due, the warning for the shortest period is claimed.
/// After that warning was sent, only warnings for shorter periods become due for the same expiration.
pub async fn shortest_due_period_is_claimed(harness: &dyn AnyHarness) {
    let Some(mut bench) = Bench::open(harness).await else { return };
    bench.periods = WarningPeriods::new([30 * DAY, 7 * DAY, DAY]).expect("periods");
    let row = bench.key(&org("o"), at(5 * DAY)).await;
    let claim = bench.assert_due(NOW, &[(&row, 7 * DAY)]).await;
    bench.sent(claim, &row, 7 * DAY).await;
    bench.assert_due(NOW.saturating_add(4 * DAY).saturating_sub(HOUR), &[]).await;
    let claim = bench.assert_due(NOW.saturating_add(4 * DAY), &[(&row, DAY)]).await;
    bench.sent(claim, &row, DAY).await;
    bench.assert_due(NOW.saturating_add(4 * DAY + HOUR), &[]).await;
    assert_eq!(bench.warned(&row.org).await.len(), 2);
}

/// If the [warning periods](WarningPeriods) change, the new periods apply within a day to each active key that expires,
/// because the store checks each such key at least once a day.
pub async fn changed_periods_apply_within_a_day(harness: &dyn AnyHarness) {
    let Some(mut bench) = Bench::open(harness).await else { return };
    let row = bench.key(&org("o"), at(28 * DAY)).await;
    bench.assert_due(NOW, &[]).await;
    bench.periods = WarningPeriods::new([29 * DAY]).expect("periods");
    bench.assert_due(NOW.saturating_add(DAY), &[(&row, 29 * DAY)]).await;
}

/// If [`finish`](Warnings::finish) is called twice with a sent warning, the audit log contains the event of the
/// warning once, with every field. The key is not due for this warning again.
pub async fn sent_warning_is_recorded_once(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let row = bench.key(&org("o"), at(3 * DAY)).await;
    let claim = bench.assert_due(NOW, &[(&row, 7 * DAY)]).await;
    let finished = bench.finished(claim, &row, 7 * DAY);
    for _ in 0..2 {
        assert_eq!(bench.finish(&finished).await, FinishOutcome::Done);
        assert_eq!(bench.warned(&row.org).await, finished.event.iter().cloned().collect::<Vec<_>>());
    }
    bench.assert_due(NOW.saturating_add(CLAIM), &[]).await;
}

/// If [`finish`](Warnings::finish) is called several times concurrently with the same warning, the event of the
/// warning is recorded once.
pub async fn warning_finished_concurrently_is_recorded_once(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let row = bench.key(&org("o"), at(3 * DAY)).await;
    let claim = bench.assert_due(NOW, &[(&row, 7 * DAY)]).await;
    let finished = bench.finished(claim, &row, 7 * DAY);
    let calls = (0..8).map(|_| {
        let (store, finished) = (bench.store.shared(), finished.clone());
        async move { store.warnings().expect("warnings").finish(&finished).await.expect("finish") }
    });
    let calls: Vec<_> = calls.collect();
    assert_eq!(race(harness, calls).await, [FinishOutcome::Done; 8]);
    assert_eq!(bench.warned(&row.org).await.len(), 1);
}

/// If [`finish`](Warnings::finish) is called without an event, because the warning will never be sent, no event
/// is recorded and the key is not due for this warning again.
pub async fn warning_that_was_given_up_writes_no_event(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let row = bench.key(&org("o"), at(3 * DAY)).await;
    let claim = bench.assert_due(NOW, &[(&row, 7 * DAY)]).await;
    let finished = FinishedWarning { event: None, ..bench.finished(claim, &row, 7 * DAY) };
    assert_eq!(bench.finish(&finished).await, FinishOutcome::Done);
    assert_eq!(bench.warned(&row.org).await, []);
    bench.assert_due(NOW.saturating_add(CLAIM), &[]).await;
}

/// If two instances send a warning, because the claim of the first instance ended before that instance recorded
/// the warning, both events are recorded. The key is not due for this warning again.
pub async fn warning_finished_after_its_claim_ended_is_recorded(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let row = bench.key(&org("o"), at(3 * DAY)).await;
    let first = bench.assert_due(NOW, &[(&row, 7 * DAY)]).await;
    let second = bench.assert_due(NOW.saturating_add(CLAIM), &[(&row, 7 * DAY)]).await;
    bench.sent(first, &row, 7 * DAY).await;
    bench.assert_due(NOW.saturating_add(CLAIM + HOUR), &[]).await;
    bench.sent(second, &row, 7 * DAY).await;
    assert_eq!(bench.warned(&row.org).await.len(), 2);
    bench.assert_due(NOW.saturating_add(DAY), &[]).await;
}

/// If an instance records a warning after the instance's claim has ended, another instance's claim on the key
/// does not end.
pub async fn warning_finished_late_does_not_end_another_claim(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let row = bench.key(&org("o"), at(3 * DAY)).await;
    let first = bench.assert_due(NOW, &[(&row, 7 * DAY)]).await;
    let moved = bench.update(&row, |row| row.expires_at = at(4 * DAY)).await;
    let end = NOW.saturating_add(CLAIM);
    let second = bench.assert_due(end, &[(&moved, 7 * DAY)]).await;
    bench.sent(first, &row, 7 * DAY).await;
    bench.assert_due(end, &[]).await;
    bench.sent(second, &moved, 7 * DAY).await;
    bench.assert_due(end.saturating_add(CLAIM), &[]).await;
}

/// A key whose warning was [postponed](Warnings::postpone) is due again at the given time and not before. A call
/// of `postpone` with another claim than the one on the key changes nothing.
pub async fn postponed_warning_is_due_at_the_given_time(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let row = bench.key(&org("o"), at(3 * DAY)).await;
    let claim = bench.assert_due(NOW, &[(&row, 7 * DAY)]).await;
    let foreign = ClaimId::from_bytes(bench.store.bytes());
    let until = NOW.saturating_add(HOUR);
    bench.warnings().postpone(foreign, row.id, NOW).await.expect("postpone");
    bench.assert_due(NOW, &[]).await;
    for _ in 0..2 {
        bench.warnings().postpone(claim, row.id, until).await.expect("postpone");
    }
    bench.assert_due(until.saturating_sub(Duration::from_micros(1)), &[]).await;
    bench.assert_due(until, &[(&row, 7 * DAY)]).await;
    // The first claim has ended and can no longer postpone the warning.
    bench.warnings().postpone(claim, row.id, NOW).await.expect("postpone");
    bench.assert_due(until, &[]).await;
}

/// If the expiration of a key is changed after a warning was sent, a warning for the new expiration becomes due.
pub async fn changed_expiration_is_due_again(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let row = bench.key(&org("o"), at(3 * DAY)).await;
    let claim = bench.assert_due(NOW, &[(&row, 7 * DAY)]).await;
    bench.sent(claim, &row, 7 * DAY).await;
    let moved =
        bench.update(&row, |row| (row.expires_at, row.expiry_set_at) = (at(10 * DAY), Some(NOW))).await;
    bench.assert_due(NOW.saturating_add(HOUR), &[]).await;
    bench.assert_due(NOW.saturating_add(3 * DAY), &[(&moved, 7 * DAY)]).await;
}

/// A key that is updated during a claim is not claimed again before the claim ends. If the warning for an old
/// expiration is recorded after the warning for the new expiration, the key does not become due again.
pub async fn key_updated_during_a_claim_is_not_claimed_twice(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let row = bench.key(&org("o"), at(3 * DAY)).await;
    let claim = bench.assert_due(NOW, &[(&row, 7 * DAY)]).await;
    let off = bench.update(&row, |row| row.active = false).await;
    let on = bench.update(&off, |row| row.active = true).await;
    bench.assert_due(NOW, &[]).await;
    let early = NOW.saturating_sub(20 * DAY);
    let moved =
        bench.update(&on, |row| (row.expires_at, row.expiry_set_at) = (at(4 * DAY), Some(early))).await;
    bench.assert_due(NOW, &[]).await;
    bench.sent(claim, &row, 7 * DAY).await;
    let claim = bench.assert_due(NOW, &[(&moved, 7 * DAY)]).await;
    bench.sent(claim, &moved, 7 * DAY).await;
    let late = bench.finished(claim, &row, 7 * DAY);
    assert_eq!(bench.finish(&late).await, FinishOutcome::Done);
    bench.assert_due(NOW.saturating_add(CLAIM), &[]).await;
}

/// A deactivated key is not due for a warning. If the key is activated again, it is due, unless the warning was
/// already sent.
pub async fn reactivated_key_is_due_if_no_warning_was_sent(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let row = bench.key(&org("o"), at(3 * DAY)).await;
    let off = bench.update(&row, |row| row.active = false).await;
    bench.assert_due(NOW, &[]).await;
    let on = bench.update(&off, |row| row.active = true).await;
    let claim = bench.assert_due(NOW, &[(&on, 7 * DAY)]).await;
    bench.sent(claim, &on, 7 * DAY).await;
    let off = bench.update(&on, |row| row.active = false).await;
    bench.update(&off, |row| row.active = true).await;
    bench.assert_due(NOW.saturating_add(HOUR), &[]).await;
}

/// A deleted key is not due for a warning. If a key is deleted while its warning is being sent, the event of the
/// warning is still recorded.
pub async fn deleted_key_is_not_due_and_keeps_its_event(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let never = bench.key(&org("o"), at(3 * DAY)).await;
    bench.store.done(delete(&never)).await;
    let row = bench.key(&org("o"), at(3 * DAY)).await;
    let claim = bench.assert_due(NOW, &[(&row, 7 * DAY)]).await;
    bench.store.done(delete(&row)).await;
    bench.sent(claim, &row, 7 * DAY).await;
    bench.warnings().postpone(claim, row.id, NOW).await.expect("postpone");
    assert_eq!(bench.warned(&row.org).await.len(), 1);
    bench.assert_due(NOW.saturating_add(CLAIM), &[]).await;
}

/// Keys of a forgotten organization are not due for warnings, and no warning for these keys is recorded, before
/// and after the purge. A new organization with the same id is not affected.
pub async fn keys_of_a_forgotten_organization_are_not_due(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let org = org("o");
    let row = bench.key(&org, at(3 * DAY)).await;
    let claim = bench.assert_due(NOW, &[(&row, 7 * DAY)]).await;
    bench.key(&org, at(4 * DAY)).await;
    bench.store.done(ChangeKind::ForgetOrg { org: org.clone() }).await;
    let finished = bench.finished(claim, &row, 7 * DAY);
    for purged in [false, true] {
        bench.assert_due(NOW.saturating_add(CLAIM), &[]).await;
        assert_eq!(bench.finish(&finished).await, FinishOutcome::Forgotten);
        assert_eq!(bench.warned(&org).await, []);
        if !purged {
            bench.store.purge_forgotten().await;
        }
    }
    let new = bench.key(&org, at(3 * DAY)).await;
    assert_eq!(bench.finish(&finished).await, FinishOutcome::Forgotten);
    bench.assert_due(NOW.saturating_add(CLAIM), &[(&new, 7 * DAY)]).await;
}

/// If keys are updated while warnings for them are claimed and recorded, exactly one warning is recorded for
/// each key.
pub async fn warnings_concurrent_with_updates_are_sent_once(harness: &dyn AnyHarness) {
    let Some(bench) = Bench::open(harness).await else { return };
    let org = org("o");
    let mut rows = Vec::new();
    for _ in 0..12 {
        rows.push(bench.key(&org, at(3 * DAY)).await);
    }
    let mut tasks: Vec<crate::conformance::Task> = Vec::new();
    for row in &rows {
        let (store, next) = (bench.store.shared(), renamed(row, "renamed"));
        let change = bench.store.change(update(&next));
        tasks.push(Box::pin(async move {
            store.commit(&change).await.expect("commit");
        }));
    }
    for _ in 0..4 {
        let (store, request) = (bench.store.shared(), bench.request(NOW, 3));
        let mut events: Vec<_> = rows
            .iter()
            .map(|row| bench.store.event(&row.org, Some(row.id), Action::KeyExpiryWarned))
            .collect();
        tasks.push(Box::pin(async move {
            let warnings = store.warnings().expect("warnings");
            loop {
                let some = warnings.claim(&request).await.expect("claim");
                for claimed in some.warnings {
                    let place = events.iter().position(|event| event.key == Some(claimed.key.id));
                    let event = events.swap_remove(place.expect("one claim for each key"));
                    let sent = SentWarning::new(claimed.expires_at, claimed.period);
                    let (org, key) = (claimed.key.org, claimed.key.id);
                    let finished = FinishedWarning::new(request.id, org, key, sent, Some(event));
                    assert_eq!(warnings.finish(&finished).await.expect("finish"), FinishOutcome::Done);
                }
                if !some.more {
                    return;
                }
            }
        }));
    }
    harness.run(tasks).await;
    // An update that came last may have left keys to check.
    bench.assert_due(NOW, &[]).await;
    let warned: BTreeSet<_> = bench.warned(&org).await.into_iter().map(|event| event.key).collect();
    assert_eq!(bench.warned(&org).await.len(), rows.len());
    assert_eq!(warned, rows.iter().map(|row| Some(row.id)).collect());
}
