//! The engine: [`ApiKeys`] verifies requests, manages keys and records their use.
//!
//! [`ApiKeys`] is a handle to the engine, and cloning the handle is cheap. [`Maintenance`] is the background work of
//! the engine: it writes the audit log in batches, asks the store for changes of keys in memory, frees the memory used
//! for keys without recent requests, removes the data of forgotten organizations ([`Operator::forget`]), and sends
//! warnings before keys expire ([`Builder::expiry_warnings`]). Spawn [`Maintenance::run`] on your async runtime. The
//! engine works on any async runtime.

mod admission;
mod api_keys;
mod builder;
mod cache;
mod denials;
mod handle;
mod health;
mod inner;
mod instances;
mod key_manager;
mod lifecycle;
mod live_keys;
mod maintenance;
mod manage_error;
mod managed_key;
mod observe;
mod operator;
mod purge;
mod recorder;
mod request_start;
mod store_access;
mod test_key;
mod timeout;
mod verified_key;
mod verify;
mod warn;

pub use admission::{Admission, Finish};
pub use api_keys::ApiKeys;
pub use builder::{BuildError, Builder};
pub use health::{FlushFailure, Health};
pub use key_manager::KeyManager;
pub use lifecycle::ShutdownError;
pub use maintenance::Maintenance;
pub use manage_error::ManageError;
pub use managed_key::{CreatedKey, KeyListing, ManagedKey, QuotaUsage};
pub use operator::Operator;
pub use test_key::TestKeyError;
pub use verified_key::VerifiedKey;
pub use verify::Verification;
