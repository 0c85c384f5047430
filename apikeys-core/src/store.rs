//! The interface of a storage backend, [`KeyStore`].
//!
//! A store keeps keys, the [locators](crate#terms) of secrets, organizations' plans, the audit log and counters.
//! A *stored secret* is a [`SecretRow`]: the locator of a secret, and no text of the secret itself.
//!
//! A store does not decide about access. The [engine](crate::engine) creates each [`Change`] and each [`Batch`],
//! and the store writes each of them in one transaction. [`OrgState`] has the rules that a store checks in the
//! transaction, so that all stores apply the same rules.
//!
//! # Writing a store
//!
//! The example in the folder `examples/custom-store` of the repository is a complete store over maps in memory.
//! Proceed in this order:
//!
//! 1. Run the suite `conformance` on a store whose methods all return an error of the kind
//!    [`Unsupported`](StoreErrorKind::Unsupported), and let it lead the way. The suite needs the feature
//!    `conformance` of this crate, and has one test for each requirement of the interface.
//! 2. Write [`commit`](KeyStore::commit) as one transaction: lock the organization's row, look up the change id, call
//!    [`OrgState::check`], check the key and the locators, write the rows and events, and increase the
//!    revision. Everything that decides about the change is read after the lock.
//! 3. Write the reads. They read the primary database, so that each sees what the last commit wrote.
//! 4. Write [`record`](KeyStore::record) as one transaction too. It locks the row of the writer, which has the number
//!    of the last batch, and changes the counters in a fixed order, so that two batches never wait for each other.
//! 5. Assign each error of the database to a [`StoreErrorKind`]. An error after which the database may have
//!    committed is [`Unavailable`](StoreErrorKind::Unavailable). A deadlock is not an error of the store: repeat the
//!    transaction.
//! 6. Decide about the optional parts. A store without [`purge`](KeyStore::purge) removes all rows of an
//!    organization when it is forgotten, which takes long for an organization with many events. A store without
//!    [`warnings`](KeyStore::warnings) cannot be used with e-mails before keys expire. With a store without
//!    [`coherence`](KeyStore::coherence), the engine keeps no keys in memory, so each verification reads the store.
//! 7. Run the suite on the store, and also on `Arc<dyn KeyStore>` and `Box<dyn KeyStore>` if your service uses
//!    these. The tests of concurrency find mistakes only if the harness runs its tasks on several threads.

mod batch;
mod change;
mod coherence;
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
pub use coherence::{BehindInstance, Changed, Coherence, MAX_POLLED_CHANGES, Polled};
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
