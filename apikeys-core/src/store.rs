//! The interface of a storage backend, [`KeyStore`].
//!
//! A store keeps keys, the [locators](crate#terms) of secrets, organizations' plans, the audit log and counters.
//! A *stored secret* is a [`SecretRow`]: the locator of a secret, and no text of the secret itself.
//!
//! A store does not decide about access. The [engine](crate::engine) creates each [`Change`] and each [`Batch`],
//! and the store writes each of them in one transaction. [`OrgState`] has the rules that a store checks in the
//! transaction, so that all stores apply the same rules.
//!
//! To write a store, implement [`KeyStore`]. To test the store, enable the feature `conformance` of this crate
//! and use the macro `conformance_tests!`, which defines one test for each requirement of the interface.

mod batch;
mod change;
mod delegate;
mod error;
mod key_row;
mod key_store;
mod org_state;
mod purge_progress;
mod query;
mod warnings;

pub use batch::{Batch, CounterDelta, RecordOutcome, UsageDelta};
pub use change::{Change, ChangeKind, CommitOutcome, Revision};
pub use error::{StoreError, StoreErrorKind};
pub use key_row::{KeyRow, KeyView, SecretRow, Settings};
pub use key_store::{FoundKey, KeyStore, OrgRow, StoreResult};
pub use org_state::{OrgNumber, OrgState, Refusal, StoredPlan};
pub use purge_progress::PurgeProgress;
pub use query::{AuditQuery, KeyQuery, Page, UsagePoint, UsageQuery, UsageStep};
pub use warnings::{
    ClaimedWarning, ClaimedWarnings, FinishOutcome, FinishedWarning, SentWarning, WarningClaim, WarningState,
    Warnings, WhenToWarn,
};
