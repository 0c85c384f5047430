use std::time::Duration;

use super::state::{Checked, State};
use crate::{
    Timestamp,
    id::{ClaimId, KeyId, OrgId},
    store::{
        ClaimedWarning, ClaimedWarnings, FinishOutcome, FinishedWarning, StoreResult, WarningClaim,
        WarningState, WhenToWarn,
    },
};

/// The time that is earlier than every other time.
const EARLIEST: Timestamp = Timestamp::from_micros(i64::MIN);

impl State {
    /// Sets the next check of a key after the key was created or updated.
    pub(super) fn check_soon(&mut self, id: KeyId) {
        let Some(key) = self.keys.get(&id) else { return };
        if key.row.active && key.row.expires_at.is_some() && key.checked.claim.is_none() {
            self.set_next_check(id, Some(EARLIEST));
        }
    }

    pub(super) fn set_next_check(&mut self, id: KeyId, next: Option<Timestamp>) {
        let Some(key) = self.keys.get_mut(&id) else { return };
        if let Some(before) = std::mem::replace(&mut key.checked.next, next) {
            self.checks.remove(&(before, id));
        }
        self.checks.extend(next.map(|next| (next, id)));
    }

    pub(super) fn claim_warnings(&mut self, claim: &WarningClaim) -> ClaimedWarnings {
        let most = usize::try_from(claim.max_keys.max(1)).unwrap_or(usize::MAX);
        let due = self.checks.iter().take_while(|(next, _)| *next <= claim.now).map(|(_, id)| *id);
        let mut ids: Vec<_> = due.take(most.saturating_add(1)).collect();
        let more = ids.len() > most;
        ids.truncate(most);
        let warnings = ids.into_iter().filter_map(|id| self.check(id, claim)).collect();
        ClaimedWarnings::new(warnings, more)
    }

    fn check(&mut self, id: KeyId, claim: &WarningClaim) -> Option<ClaimedWarning> {
        let key = self.keys.get_mut(&id)?;
        let when = if self.orgs.contains_key(&key.org) {
            WarningState::of(&key.row, key.checked.sent).check(&claim.periods, claim.now)
        } else {
            WhenToWarn::Never
        };
        let (claimed_by, next, period) = match when {
            WhenToWarn::Now(period) => (Some(claim.id), Some(claim.until), Some(period)),
            WhenToWarn::Later(time) => (None, Some(time), None),
            WhenToWarn::Never => (None, None, None),
        };
        key.checked.claim = claimed_by;
        let warning = due_warning(key.row.clone(), period);
        self.set_next_check(id, next);
        warning
    }

    /// Makes all checks that can stop the event before changing anything.
    pub(super) fn finish_warning(&mut self, warning: &FinishedWarning) -> StoreResult<FinishOutcome> {
        let known = self.owns(&warning.org, warning.key);
        if !known {
            return Ok(FinishOutcome::Forgotten);
        }
        if let Some(event) = &warning.event {
            if self.organization(&warning.org).is_some_and(|org| org.log.contains_key(&event.id)) {
                return Ok(FinishOutcome::Done);
            }
            let events = self.merged(std::slice::from_ref(event), "finish")?;
            self.put_events(events);
        }
        if let Some(key) = self.keys.get_mut(&warning.key) {
            key.checked.sent = warning.sent.after(key.checked.sent, key.row.expires_at);
            if key.checked.claim == Some(warning.claim) {
                key.checked.claim = None;
                self.set_next_check(warning.key, Some(EARLIEST));
            }
        }
        Ok(FinishOutcome::Done)
    }

    pub(super) fn postpone_warning(&mut self, claim: ClaimId, id: KeyId, until: Timestamp) {
        let Some(key) = self.keys.get_mut(&id) else { return };
        if key.checked.claim == Some(claim) {
            key.checked.claim = None;
            self.set_next_check(id, Some(until));
        }
    }

    /// Returns whether the organization has or had the key.
    fn owns(&self, org: &OrgId, key: KeyId) -> bool {
        self.key(org, key).is_some() || self.deleted(org, key).is_some()
    }
}

fn due_warning(row: crate::store::KeyRow, period: Option<Duration>) -> Option<ClaimedWarning> {
    let (period, expires_at) = (period?, row.expires_at?);
    Some(ClaimedWarning::new(row, expires_at, period))
}

impl Checked {
    pub(super) const NEW: Self = Self { next: None, claim: None, sent: None };
}
