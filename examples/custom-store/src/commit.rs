use std::collections::{BTreeMap, HashSet};

use apikeys_core::{
    id::{KeyId, OrgId},
    plan::PlanName,
    store::{
        Change, ChangeKind, CommitOutcome, OrgNumber, OrgRow, OrgState, SecretRow, StoreError,
        StoreErrorKind, StoreResult,
    },
    token::Locator,
};

use crate::data::{Data, StoredKey, key_ref};

/// The number of changes that every store must remember.
const REMEMBERED: usize = 10_000;

impl Data {
    /// Commits a change. All checks precede all writes, so that a change that is refused writes nothing.
    pub(crate) fn commit(&mut self, change: &Change) -> StoreResult<CommitOutcome> {
        // The engine repeats a change whose response was lost.
        if let Some(revision) = self.done.get(&change.id) {
            return Ok(CommitOutcome::Done { revision: *revision });
        }
        // The rules about plans and quotas are the same in all stores.
        if let Err(refusal) = self.state(change.org()).check(&change.kind) {
            return Ok(refusal.at(self.revision));
        }
        if let Some(refused) = self.refused(&change.kind)? {
            return Ok(refused);
        }
        let events = self.merged(&change.events, "commit")?;
        self.apply(&change.kind);
        self.log.extend(events);
        self.revision.0 += 1;
        self.remember(change);
        Ok(CommitOutcome::Done { revision: self.revision })
    }

    fn state(&self, org: &OrgId) -> OrgState {
        self.orgs.get(org).map_or_else(OrgState::default, |row| OrgState {
            stored: Some(row.stored_plan()),
            key_count: row.key_count,
        })
    }

    /// Returns the outcome of a change that the stored keys and secrets do not allow.
    fn refused(&self, kind: &ChangeKind) -> StoreResult<Option<CommitOutcome>> {
        let not_found = Some(CommitOutcome::NotFound { revision: self.revision });
        match kind {
            ChangeKind::Create { row, secrets, .. } => {
                // The id of a deleted key remains in use.
                if self.keys.contains_key(&row.id) || self.deleted.contains_key(&row.id) {
                    return Err(StoreError::new(StoreErrorKind::Rejected, "commit"));
                }
                self.secrets_refused(row.id, secrets, &[])
            }
            ChangeKind::Update { row, expected_version, added, dropped } => {
                match self.key(&row.org, row.id) {
                    None => Ok(not_found),
                    Some(key) if key.row.version != *expected_version => {
                        Ok(Some(CommitOutcome::VersionConflict))
                    }
                    Some(_) => self.secrets_refused(row.id, added, dropped),
                }
            }
            ChangeKind::Delete { org, key } => {
                Ok(if self.key(org, *key).is_some() { None } else { not_found })
            }
            ChangeKind::SetPlan { .. } | ChangeKind::ForgetOrg { .. } => Ok(None),
            // A later version of the library may have changes that this store does not know.
            _ => Err(StoreError::new(StoreErrorKind::Unsupported, "commit")),
        }
    }

    /// Checks that the locators of new secrets are not in use once the key's secrets in `dropped` are removed.
    fn secrets_refused(
        &self,
        key: KeyId,
        added: &[SecretRow],
        dropped: &[Locator],
    ) -> StoreResult<Option<CommitOutcome>> {
        if added.iter().any(|secret| secret.key != key) {
            return Err(StoreError::new(StoreErrorKind::Rejected, "commit"));
        }
        let mut seen = HashSet::new();
        let is_duplicate = added.iter().map(|secret| &secret.locator).any(|locator| {
            let is_dropped = |stored: &SecretRow| stored.key == key && dropped.contains(locator);
            let is_in_use = self.secrets.get(locator).is_some_and(|stored| !is_dropped(stored));
            is_in_use || !seen.insert(locator)
        });
        Ok(is_duplicate.then_some(CommitOutcome::DuplicateLocator))
    }

    fn apply(&mut self, kind: &ChangeKind) {
        match kind {
            ChangeKind::Create { row, secrets, plan, .. } => {
                self.org_or_new(&row.org, plan).key_count += 1;
                let key = StoredKey {
                    row: row.clone(),
                    request_count: 0,
                    last_used_at: None,
                    usage: BTreeMap::new(),
                };
                self.keys.insert(row.id, key);
                self.add_secrets(secrets);
            }
            ChangeKind::Update { row, added, dropped, .. } => {
                self.remove_secrets(|secret| secret.key == row.id && dropped.contains(&secret.locator));
                self.add_secrets(added);
                if let Some(key) = self.keys.get_mut(&row.id) {
                    key.row = row.clone();
                }
            }
            ChangeKind::Delete { org, key } => {
                if let Some(stored) = self.keys.remove(key) {
                    self.deleted.insert(*key, (org.clone(), key_ref(&stored.row)));
                }
                self.remove_secrets(|secret| secret.key == *key);
                if let Some(row) = self.orgs.get_mut(org) {
                    row.key_count -= 1;
                }
            }
            ChangeKind::SetPlan { org, plan, .. } => self.org_or_new(org, plan).plan = plan.clone(),
            ChangeKind::ForgetOrg { org } => self.forget(org),
            // `refused` has returned an error.
            _ => {}
        }
    }

    fn org_or_new(&mut self, org: &OrgId, plan: &PlanName) -> &mut OrgRow {
        let last_number = &mut self.last_number;
        self.orgs.entry(org.clone()).or_insert_with(|| {
            *last_number += 1;
            OrgRow::new(org.clone(), OrgNumber(*last_number), plan.clone(), 0)
        })
    }

    fn forget(&mut self, org: &OrgId) {
        let keys: HashSet<KeyId> =
            self.keys.extract_if(.., |_, key| key.row.org == *org).map(|(id, _)| id).collect();
        self.remove_secrets(|secret| keys.contains(&secret.key));
        self.deleted.retain(|_, (owner, _)| owner != org);
        self.log.retain(|(owner, _), _| owner != org);
        self.orgs.remove(org);
    }

    fn add_secrets(&mut self, added: &[SecretRow]) {
        for secret in added {
            *self.schemes.entry(secret.locator.scheme().clone()).or_default() += 1;
            self.secrets.insert(secret.locator.clone(), secret.clone());
        }
    }

    /// Removes secrets. A store with many secrets has an index on the key.
    fn remove_secrets(&mut self, is_removed: impl Fn(&SecretRow) -> bool) {
        for (locator, _) in self.secrets.extract_if(|_, secret| is_removed(secret)) {
            if let Some(count) = self.schemes.get_mut(locator.scheme()) {
                *count -= 1;
            }
        }
        self.schemes.retain(|_, count| *count > 0);
    }

    fn remember(&mut self, change: &Change) {
        self.done.insert(change.id, self.revision);
        self.done_order.push_back(change.id);
        if self.done_order.len() > REMEMBERED {
            self.done_order.pop_front().and_then(|oldest| self.done.remove(&oldest));
        }
    }
}
