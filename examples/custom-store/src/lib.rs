//! A store of one's own.
//!
//! [`MapStore`] implements [`KeyStore`](apikeys_core::store::KeyStore) over maps in memory. The tests in
//! `tests/conformance.rs` run the suite of requirements that every store must meet. A store on a database of yours
//! has the same parts:
//!
//! * `store.rs` implements the trait. Each method is one transaction, which is a lock here.
//! * `data.rs` has the tables and the reads.
//! * `commit.rs` commits changes of keys and plans.
//! * `record.rs` records batches of requests.
//!
//! The store has none of the optional parts. It removes everything of a forgotten organization at once, so it needs no
//! `purge`, and it remembers no warnings, so an engine on it cannot send e-mails before keys expire.

mod commit;
mod data;
mod record;
mod store;

pub use store::MapStore;
