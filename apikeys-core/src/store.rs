//! What a backend must promise: [`KeyStore`].
//!
//! A store keeps keys, secrets' locators, organizations' plans, the audit log and the counters.
//! It decides nothing about access: it finds rows, and it commits one [`Change`] or one
//! [`Batch`] at a time, each in one transaction. Everything that needs a rule is computed by the
//! engine and given to the store as plain rows, so that all stores behave alike.
//!
//! To write one: implement [`KeyStore`], turn on this crate's feature `conformance` in tests, and
//! run its suite; it has one named test for each promise made here.

mod batch;
mod change;
mod delegate;
mod error;
mod key_store;
mod query;

pub use batch::{Batch, CounterDelta, Recorded, UsageDelta};
pub use change::{Change, ChangeKind, Committed, Revision};
pub use error::{StoreError, StoreErrorKind};
pub use key_store::{Found, KeyStore, OrgRow, StoreResult};
pub use query::{AuditQuery, KeyQuery, Page, UsagePoint, UsageQuery, UsageStep};
