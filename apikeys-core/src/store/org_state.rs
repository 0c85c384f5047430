use super::{ChangeKind, CommitOutcome, Revision};
use crate::plan::PlanName;

/// The number that a store gives an organization.
///
/// The number of a stored organization does not change until the organization is forgotten. A store never
/// gives a number twice. An organization that is forgotten and stored again therefore has another number. By
/// this number, the store recognizes changes that were prepared before the organization was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrgNumber(pub u64);

/// The stored plan of an organization, with the organization's number.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredPlan {
    /// The organization's number.
    pub number: OrgNumber,
    /// The plan.
    pub plan: PlanName,
}

impl StoredPlan {
    /// Creates the stored plan of the organization with the number `number`.
    #[must_use]
    pub const fn new(number: OrgNumber, plan: PlanName) -> Self {
        Self { number, plan }
    }
}

/// The stored state of an organization, read while the organization's row is locked for a change.
///
/// The default value is the state of an organization that is not stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrgState {
    /// The stored plan. `None` means that the organization is not stored.
    pub stored: Option<StoredPlan>,
    /// The number of the organization's keys, whatever their status.
    pub key_count: u32,
}

/// The reason why an organization's state does not allow a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The organization is not stored.
    NotFound,
    /// The organization's stored plan is not the plan that the change expects, or the organization was forgotten
    /// after the change was prepared.
    PlanChanged,
    /// The organization already has as many keys as its plan allows.
    QuotaFull {
        /// The number of keys that the organization has.
        used: u32,
    },
}

impl OrgState {
    /// Checks whether the organization's state allows a change.
    ///
    /// A store calls this method in the transaction of the change, after the organization's row is locked and
    /// before keys or secrets are read. All stores therefore have the same rules about plans and quotas, in
    /// the same order.
    ///
    /// # Errors
    ///
    /// Returns the first reason to refuse the change. The plan is checked before the quota, because the quota
    /// of an outdated plan is not valid.
    pub fn check(&self, change: &ChangeKind) -> Result<(), Refusal> {
        match change {
            ChangeKind::Create { expected, max_keys, .. } => {
                self.expect_plan(expected.as_ref())?;
                match max_keys {
                    Some(most) if self.key_count >= *most => Err(Refusal::QuotaFull { used: self.key_count }),
                    _ => Ok(()),
                }
            }
            ChangeKind::SetPlan { expected, .. } => self.expect_plan(expected.as_ref()),
            ChangeKind::Update { .. } | ChangeKind::Delete { .. } | ChangeKind::ForgetOrg { .. } => {
                if self.stored.is_none() { Err(Refusal::NotFound) } else { Ok(()) }
            }
        }
    }

    fn expect_plan(&self, expected: Option<&StoredPlan>) -> Result<(), Refusal> {
        if self.stored.as_ref() == expected { Ok(()) } else { Err(Refusal::PlanChanged) }
    }
}

impl Refusal {
    /// Returns the outcome of the refused change. `revision` is the store's latest revision.
    #[must_use]
    pub const fn at(self, revision: Revision) -> CommitOutcome {
        match self {
            Self::NotFound => CommitOutcome::NotFound { revision },
            Self::PlanChanged => CommitOutcome::PlanChanged,
            Self::QuotaFull { used } => CommitOutcome::QuotaFull { used },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Timestamp,
        id::{Actor, KeyId, OrgId},
        key::KeyName,
        store::KeyRow,
    };

    fn plan(text: &str) -> PlanName {
        PlanName::new(text).unwrap()
    }

    fn stored(number: u64, text: &str) -> Option<StoredPlan> {
        Some(StoredPlan::new(OrgNumber(number), plan(text)))
    }

    /// Returns all combinations of states and changes that the rules distinguish. The states have no plan, or
    /// one of two plans under one of two numbers. The numbers of keys are below, at and above each quota.
    fn combinations() -> Vec<(OrgState, ChangeKind)> {
        let org = OrgId::new("o").unwrap();
        let key = KeyId::from_bytes([1; 16]);
        let (name, actor) = (KeyName::new("CI").unwrap(), Actor::new("ann").unwrap());
        let row = KeyRow::new(key, org.clone(), name, "p_0000".to_owned(), Timestamp::MIN, actor);
        let plans = [None, stored(1, "free"), stored(2, "free"), stored(1, "starter"), stored(2, "starter")];
        let mut changes = vec![
            ChangeKind::Update { row: row.clone(), expected_version: 1, added: vec![], dropped: vec![] },
            ChangeKind::Delete { org: org.clone(), key },
            ChangeKind::ForgetOrg { org: org.clone() },
        ];
        for expected in &plans {
            let (plan, expected) = (plan("starter"), expected.clone());
            changes.push(ChangeKind::SetPlan {
                org: org.clone(),
                plan: plan.clone(),
                expected: expected.clone(),
            });
            for max_keys in [None, Some(0), Some(1), Some(2), Some(u32::MAX)] {
                changes.push(ChangeKind::Create {
                    row: row.clone(),
                    secrets: vec![],
                    plan: plan.clone(),
                    expected: expected.clone(),
                    max_keys,
                });
            }
        }
        let states = plans.iter().flat_map(|plan| {
            [0, 1, 2, 3, u32::MAX].map(|key_count| OrgState { stored: plan.clone(), key_count })
        });
        states.flat_map(|state| changes.iter().map(move |change| (state.clone(), change.clone()))).collect()
    }

    /// Returns the result of the same rules, written as a list of conditions, of which the first that is true
    /// decides.
    fn expected_refusal(state: &OrgState, change: &ChangeKind) -> Option<Refusal> {
        let is_stored = state.stored.is_some();
        let (needs_org, expected, quota) = match change {
            ChangeKind::Create { expected, max_keys, .. } => (false, Some(expected), *max_keys),
            ChangeKind::SetPlan { expected, .. } => (false, Some(expected), None),
            ChangeKind::Update { .. } | ChangeKind::Delete { .. } | ChangeKind::ForgetOrg { .. } => {
                (true, None, None)
            }
        };
        let used = state.key_count;
        [
            (needs_org && !is_stored, Refusal::NotFound),
            (expected.is_some_and(|expected| *expected != state.stored), Refusal::PlanChanged),
            (quota.is_some_and(|most| used >= most), Refusal::QuotaFull { used }),
        ]
        .into_iter()
        .find_map(|(applies, refusal)| applies.then_some(refusal))
    }

    #[test]
    fn check_agrees_with_a_list_of_conditions_on_all_combinations() {
        let combinations = combinations();
        assert_eq!(combinations.len(), 25 * (3 + 5 * 6));
        for (state, change) in combinations {
            assert_eq!(state.check(&change).err(), expected_refusal(&state, &change), "{state:?} {change:?}");
        }
    }

    #[test]
    fn outdated_plan_is_reported_before_a_full_quota() {
        let full = OrgState { stored: stored(1, "free"), key_count: 2 };
        let outdated = combinations().into_iter().find_map(|(_, change)| match &change {
            ChangeKind::Create { expected: Some(expected), max_keys: Some(2), .. }
                if expected.plan.as_str() == "starter" =>
            {
                Some(full.check(&change))
            }
            _ => None,
        });
        assert_eq!(outdated, Some(Err(Refusal::PlanChanged)));
    }
}
