use crate::{
    entropy::EntropyError,
    plan::{PlanName, Quota},
    store::StoreError,
};

/// Why a management call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManageError {
    /// The organization has no such key.
    #[error("the organization has no such key")]
    NotFound,
    /// The organization has as many keys as its plan allows.
    #[error("the plan's quota of {quota} keys is used up: the organization has {used}")]
    KeyLimitReached {
        /// How many keys the plan allows.
        quota: Quota,
        /// How many keys the organization has.
        used: u32,
    },
    /// The organization's plan has no API access.
    #[error("the organization's plan has no API access")]
    ApiAccessNotAvailable {
        /// The plan that the organization needs, as a sentence:
        /// "Upgrade to the Starter plan or a higher one."
        upgrade: String,
    },
    /// The expiration date is not in the future.
    #[error("the expiration date is not in the future")]
    ExpiresInThePast,
    /// The plan to be set is not in the catalogue.
    #[error("there is no plan called {0}")]
    UnknownPlan(PlanName),
    /// The plan that the organization is stored on is not in the catalogue of this process.
    #[error("the organization is on the plan {0}, which is not in the catalogue")]
    StoredPlanUnknown(PlanName),
    /// Other changes to the same key or organization kept coming first.
    #[error("too many changes at the same time")]
    Conflict,
    /// No randomness could be had, so no secret was made.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The store failed. If the error is temporary, the change may have been made.
    #[error("the key store failed")]
    Store(#[from] StoreError),
}
