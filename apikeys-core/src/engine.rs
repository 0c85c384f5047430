//! The moving parts: [`ApiKeys`] verifies, manages, records and cleans up.
//!
//! [`ApiKeys`] is a cheap handle. [`Maintenance`] is what runs beside the requests: it writes the
//! audit log in batches and forgets idle keys. The host spawns it on its runtime; the engine
//! itself knows none.

mod admission;
mod builder;
mod caller;
mod denials;
mod health;
mod keys;
mod lifecycle;
mod live;
mod maintenance;
mod manage;
mod mutation;
mod observe;
mod operator;
mod patience;
mod recorder;
mod verify;

pub use admission::{Admission, Finish};
pub use builder::{BuildError, Builder};
pub use caller::Caller;
pub use health::{FlushFailure, Health};
pub use keys::ApiKeys;
pub use lifecycle::ShutdownError;
pub use maintenance::Maintenance;
pub use manage::{Created, KeyListing, Manage, ManagedKey, QuotaStatus};
pub use mutation::ManageError;
pub use operator::Operator;
pub use verify::Verification;
