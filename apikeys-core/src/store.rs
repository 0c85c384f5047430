//! The contract of a storage backend: [`KeyStore`].
//!
//! A store keeps keys, the locators of secrets, organizations' plans, the audit log and counters.
//! A store decides nothing about access: it finds rows, and it commits one [`Change`] or one
//! [`Batch`] at a time, each in one transaction. The engine computes rows, and [`OrgState`] holds
//! the rules that need the organization's locked row, so that all stores behave alike.
//!
//! To write a store, implement [`KeyStore`], turn on this crate's feature `conformance` in tests,
//! and run its suite, which has one named test for each promise of the contract.

mod batch;
mod change;
mod delegate;
mod error;
mod key_store;
mod org_state;
mod purged;
mod query;

pub use batch::{Batch, CounterDelta, Recorded, UsageDelta};
pub use change::{Change, ChangeKind, Committed, Revision};
pub use error::{StoreError, StoreErrorKind};
pub use key_store::{Found, KeyStore, OrgRow, StoreResult};
pub use org_state::{OrgState, Refusal};
pub use purged::Purged;
pub use query::{AuditQuery, KeyQuery, Page, UsagePoint, UsageQuery, UsageStep};
