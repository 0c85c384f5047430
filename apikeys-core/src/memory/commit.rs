use std::collections::HashSet;

use super::state::{Organization, State, StoredKey};
use crate::{
    id::{KeyId, OrgId},
    key::{KeyRow, SecretRow},
    plan::PlanName,
    store::{Change, ChangeKind, Committed, StoreError, StoreErrorKind, StoreResult},
    token::Locator,
};

impl State {
    /// Everything that can stop the change is looked at first, so that it is done whole or not
    /// at all.
    pub(super) fn commit(&mut self, change: &Change) -> StoreResult<Committed> {
        if let Some(revision) = self.changes.done(change.id) {
            return Ok(Committed::Done { revision });
        }
        if let Some(refused) = self.refusal(&change.kind)? {
            return Ok(refused);
        }
        let events = self.merged(&change.events, "commit")?;
        match &change.kind {
            ChangeKind::Create { row, secrets, expected_plan, .. } => {
                self.create(row, secrets, expected_plan);
            }
            ChangeKind::Update { row, added, dropped, .. } => self.update(row, added, dropped),
            ChangeKind::Delete { org, key } => self.delete(org, *key),
            ChangeKind::SetPlan { org, plan, .. } => self.set_plan(org, plan),
            ChangeKind::ForgetOrg { org } => self.forget(org),
        }
        self.put_events(events);
        Ok(Committed::Done { revision: self.changes.push(change) })
    }

    fn refusal(&self, kind: &ChangeKind) -> StoreResult<Option<Committed>> {
        let not_found = Committed::NotFound { revision: self.changes.revision() };
        match kind {
            ChangeKind::Create { row, secrets, expected_plan, max_keys } => {
                let org = self.orgs.get(&row.org);
                let used = org.map_or(0, Organization::key_count);
                if org.is_some_and(|org| org.plan != *expected_plan) {
                    return Ok(Some(Committed::PlanChanged));
                }
                if max_keys.is_some_and(|most| used >= most) {
                    return Ok(Some(Committed::QuotaFull { used }));
                }
                if self.keys.contains_key(&row.id) || self.deleted(&row.org, row.id).is_some() {
                    return Err(rejected());
                }
                self.secrets_refused(row.id, secrets, &[])
            }
            ChangeKind::Update { row, expected_version, added, dropped } => {
                match self.key(&row.org, row.id) {
                    None => Ok(Some(not_found)),
                    Some(stored) if stored.row.version != *expected_version => {
                        Ok(Some(Committed::VersionConflict))
                    }
                    Some(stored) => {
                        let gone: Vec<_> =
                            dropped.iter().filter(|locator| stored.locators.contains(locator)).collect();
                        self.secrets_refused(row.id, added, &gone)
                    }
                }
            }
            ChangeKind::Delete { org, key } => Ok(self.key(org, *key).is_none().then_some(not_found)),
            ChangeKind::SetPlan { org, expected, .. } => {
                let stored = self.orgs.get(org).map(|stored| &stored.plan);
                Ok((stored != expected.as_ref()).then_some(Committed::PlanChanged))
            }
            ChangeKind::ForgetOrg { org } => Ok((!self.orgs.contains_key(org)).then_some(not_found)),
        }
    }

    /// Whether secrets cannot be added once those under `gone` are away.
    fn secrets_refused(
        &self,
        key: KeyId,
        added: &[SecretRow],
        gone: &[&Locator],
    ) -> StoreResult<Option<Committed>> {
        if added.iter().any(|secret| secret.key != key) {
            return Err(rejected());
        }
        let mut seen = HashSet::new();
        let taken = added.iter().map(|secret| &secret.locator).any(|locator| {
            !seen.insert(locator) || (self.secrets.contains_key(locator) && !gone.contains(&locator))
        });
        Ok(taken.then_some(Committed::DuplicateLocator))
    }

    fn create(&mut self, row: &KeyRow, secrets: &[SecretRow], plan: &PlanName) {
        let org = self.orgs.entry(row.org.clone()).or_insert_with(|| Organization::new(plan.clone()));
        org.keys.insert(row.id);
        self.keys.insert(row.id, StoredKey::new(row.clone()));
        self.add_secrets(row.id, secrets);
    }

    fn update(&mut self, row: &KeyRow, added: &[SecretRow], dropped: &[Locator]) {
        if let Some(stored) = self.keys.get_mut(&row.id) {
            stored.row = row.clone();
            let (gone, kept) = stored.locators.drain(..).partition(|locator| dropped.contains(locator));
            stored.locators = kept;
            self.drop_secrets(gone);
        }
        self.add_secrets(row.id, added);
    }

    fn delete(&mut self, org: &OrgId, key: KeyId) {
        let Some(stored) = self.keys.remove(&key) else { return };
        if let Some(org) = self.orgs.get_mut(org) {
            org.keys.remove(&key);
            org.deleted.insert(key, stored.as_ref());
        }
        self.drop_secrets(stored.locators);
    }

    fn set_plan(&mut self, org: &OrgId, plan: &PlanName) {
        let stored = self.orgs.entry(org.clone()).or_insert_with(|| Organization::new(plan.clone()));
        stored.plan = plan.clone();
    }

    fn forget(&mut self, org: &OrgId) {
        let keys = self.orgs.remove(org).map(|stored| stored.keys).unwrap_or_default();
        for key in keys {
            if let Some(stored) = self.keys.remove(&key) {
                self.drop_secrets(stored.locators);
            }
        }
        self.audit.remove(org);
    }

    fn add_secrets(&mut self, key: KeyId, secrets: &[SecretRow]) {
        for secret in secrets {
            *self.schemes.entry(secret.locator.scheme().clone()).or_default() += 1;
            self.secrets.insert(secret.locator.clone(), secret.clone());
        }
        if let Some(stored) = self.keys.get_mut(&key) {
            stored.locators.extend(secrets.iter().map(|secret| secret.locator.clone()));
        }
    }

    fn drop_secrets(&mut self, locators: Vec<Locator>) {
        for locator in locators {
            self.secrets.remove(&locator);
            if let Some(count) = self.schemes.get_mut(locator.scheme()) {
                *count -= 1;
                if *count == 0 {
                    self.schemes.remove(locator.scheme());
                }
            }
        }
    }
}

fn rejected() -> StoreError {
    StoreError::new(StoreErrorKind::Rejected, "commit")
}
