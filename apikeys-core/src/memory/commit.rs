use std::collections::HashSet;

use super::state::{DeletedKey, State, StoredKey};
use crate::{
    id::{KeyId, OrgId},
    plan::PlanName,
    store::{Change, ChangeKind, CommitOutcome, KeyRow, SecretRow, StoreError, StoreErrorKind, StoreResult},
    token::Locator,
};

impl State {
    /// Makes all checks that can stop the change before changing anything.
    pub(super) fn commit(&mut self, change: &Change) -> StoreResult<CommitOutcome> {
        if let Some(revision) = self.changes.done(change.id) {
            return Ok(CommitOutcome::Done { revision });
        }
        if let Err(refusal) = self.org_state(change.org()).check(&change.kind) {
            return Ok(refusal.at(self.changes.revision()));
        }
        if let Some(refused) = self.refusal(&change.kind)? {
            return Ok(refused);
        }
        let events = self.merged(&change.events, "commit")?;
        match &change.kind {
            ChangeKind::Create { row, secrets, plan, .. } => self.create(row, secrets, plan),
            ChangeKind::Update { row, added, dropped, .. } => self.update(row, added, dropped),
            ChangeKind::Delete { org, key } => self.delete(org, *key),
            ChangeKind::SetPlan { org, plan, .. } => self.set_plan(org, plan),
            ChangeKind::ForgetOrg { org } => self.forget(org),
        }
        self.put_events(events);
        if let ChangeKind::Create { row, .. } | ChangeKind::Update { row, .. } = &change.kind {
            self.check_soon(row.id);
        }
        Ok(CommitOutcome::Done { revision: self.changes.push(change) })
    }

    /// Returns the refusal or the error of a change that the state of keys and secrets does not allow.
    fn refusal(&self, kind: &ChangeKind) -> StoreResult<Option<CommitOutcome>> {
        let not_found = CommitOutcome::NotFound { revision: self.changes.revision() };
        match kind {
            ChangeKind::Create { row, secrets, .. } => {
                if self.keys.contains_key(&row.id) || self.deleted.contains_key(&row.id) {
                    return Err(rejected());
                }
                self.secrets_refused(row.id, secrets, &[])
            }
            ChangeKind::Update { row, expected_version, added, dropped } => {
                match self.key(&row.org, row.id) {
                    None => Ok(Some(not_found)),
                    Some(stored) if stored.row.version != *expected_version => {
                        Ok(Some(CommitOutcome::VersionConflict))
                    }
                    Some(stored) => {
                        let gone: Vec<_> =
                            dropped.iter().filter(|locator| stored.locators.contains(locator)).collect();
                        self.secrets_refused(row.id, added, &gone)
                    }
                }
            }
            ChangeKind::Delete { org, key } => Ok(self.key(org, *key).is_none().then_some(not_found)),
            ChangeKind::SetPlan { .. } | ChangeKind::ForgetOrg { .. } => Ok(None),
        }
    }

    /// Returns the refusal or the error if `added` cannot be stored after the secrets with the locators
    /// `gone` were removed.
    fn secrets_refused(
        &self,
        key: KeyId,
        added: &[SecretRow],
        gone: &[&Locator],
    ) -> StoreResult<Option<CommitOutcome>> {
        if added.iter().any(|secret| secret.key != key) {
            return Err(rejected());
        }
        let mut seen = HashSet::new();
        let taken = added
            .iter()
            .map(|secret| &secret.locator)
            .any(|locator| !seen.insert(locator) || (self.is_in_use(locator) && !gone.contains(&locator)));
        Ok(taken.then_some(CommitOutcome::DuplicateLocator))
    }

    /// Returns whether a key of a stored organization has a secret with this locator.
    fn is_in_use(&self, locator: &Locator) -> bool {
        let key = self.secrets.get(locator).and_then(|secret| self.keys.get(&secret.key));
        key.is_some_and(|key| self.orgs.contains_key(&key.org))
    }

    fn create(&mut self, row: &KeyRow, secrets: &[SecretRow], plan: &PlanName) {
        let number = self.number(&row.org);
        if let Some(org) = self.orgs.get_mut(&number) {
            org.plan.get_or_insert_with(|| plan.clone());
            org.keys.insert(row.id);
        }
        self.keys.insert(row.id, StoredKey::new(number, row.clone()));
        self.add_secrets(row.id, secrets);
    }

    fn update(&mut self, row: &KeyRow, added: &[SecretRow], dropped: &[Locator]) {
        if let Some(stored) = self.keys.get_mut(&row.id) {
            stored.row = row.clone();
            let (gone, kept) = stored.locators.drain(..).partition(|locator| dropped.contains(locator));
            stored.locators = kept;
            self.drop_secrets(row.id, gone);
        }
        self.add_secrets(row.id, added);
    }

    fn delete(&mut self, org: &OrgId, key: KeyId) {
        let number = self.number(org);
        self.set_next_check(key, None);
        let Some(stored) = self.keys.remove(&key) else { return };
        if let Some(org) = self.orgs.get_mut(&number) {
            org.keys.remove(&key);
            org.deleted.insert(key);
        }
        self.deleted.insert(key, DeletedKey { org: number, key: stored.as_ref() });
        self.drop_secrets(key, stored.locators);
    }

    fn set_plan(&mut self, org: &OrgId, plan: &PlanName) {
        let number = self.number(org);
        if let Some(org) = self.orgs.get_mut(&number) {
            org.plan = Some(plan.clone());
        }
    }

    /// Keeps the organization's data for the purge. Reads no longer find the keys, because the number of the
    /// organization was removed.
    fn forget(&mut self, org: &OrgId) {
        let stored = self.numbers.remove(org).and_then(|number| self.orgs.remove(&number));
        self.forgotten.extend(stored);
    }

    fn add_secrets(&mut self, key: KeyId, secrets: &[SecretRow]) {
        for secret in secrets {
            // Only a secret of a forgotten organization can have the same locator here.
            if let Some(forgotten) = self.secrets.remove(&secret.locator) {
                self.count_down(&forgotten.locator);
            }
            *self.schemes.entry(secret.locator.scheme().clone()).or_default() += 1;
            self.secrets.insert(secret.locator.clone(), secret.clone());
        }
        if let Some(stored) = self.keys.get_mut(&key) {
            stored.locators.extend(secrets.iter().map(|secret| secret.locator.clone()));
        }
    }

    /// Removes the secrets with these locators, except those that now belong to another key.
    pub(super) fn drop_secrets(&mut self, key: KeyId, locators: Vec<Locator>) {
        for locator in locators {
            if self.secrets.get(&locator).is_some_and(|secret| secret.key == key) {
                self.secrets.remove(&locator);
                self.count_down(&locator);
            }
        }
    }

    fn count_down(&mut self, locator: &Locator) {
        if let Some(count) = self.schemes.get_mut(locator.scheme()) {
            *count -= 1;
            if *count == 0 {
                self.schemes.remove(locator.scheme());
            }
        }
    }
}

fn rejected() -> StoreError {
    StoreError::new(StoreErrorKind::Rejected, "commit")
}
