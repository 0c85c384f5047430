use crate::{
    entropy::EntropyError,
    plan::{PlanName, Quota},
    store::StoreError,
};

/// The reason why an operation of a [`KeyManager`](super::KeyManager) or an [`Operator`](super::Operator)
/// failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManageError {
    /// The organization has no such key.
    #[error("the organization has no such key")]
    NotFound,
    /// The organization has as many keys as its plan allows.
    #[error("no key was created: the organization has {used} keys, and its plan allows {quota}")]
    KeyLimitReached {
        /// The number of keys that the plan allows.
        quota: Quota,
        /// The number of keys that the organization has.
        used: u32,
    },
    /// The organization's plan has no API access.
    #[error("the organization's plan has no API access")]
    ApiAccessNotAvailable {
        /// A sentence that names the plan that the organization needs: "Upgrade to the Starter plan or a
        /// higher one."
        upgrade: String,
    },
    /// The expiration date is not in the future.
    #[error("the expiration date is not in the future")]
    ExpiresInThePast,
    /// The plan to set is not in the catalogue.
    #[error("the plan {0} is not in the catalogue")]
    UnknownPlan(PlanName),
    /// The organization's stored plan is not in the catalogue of this process. Add the plan to
    /// the catalogue, or set another plan.
    #[error(
        "the organization is on the plan {0}, which is not in the catalogue: add the plan to the catalogue, or \
         set another plan"
    )]
    StoredPlanUnknown(PlanName),
    /// Concurrent changes to the same key or organization prevented the change at every attempt.
    #[error(
        "nothing was changed, because other requests changed the same key or organization at the same time"
    )]
    Conflict,
    /// The source of randomness failed, so no secret was created.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The store failed. If the error's kind is [`Unavailable`](crate::store::StoreErrorKind::Unavailable),
    /// the change may or may not have been made. For every other kind, nothing was changed.
    #[error("the key store failed")]
    Store(#[from] StoreError),
}
