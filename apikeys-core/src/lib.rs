//! x
#![allow(missing_docs)]
pub mod access;
pub mod audit;
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod engine;
pub mod entropy;
pub mod http;
pub mod id;
pub mod key;
pub mod limiter;
pub mod memory;
pub mod plan;
pub mod rate_limit;
pub mod store;
pub mod token;
pub use access::{Denial, DenialCode, admit};
pub use audit::RequestMeta;
pub use audit::{AuditEntry, AuditEvent};
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use engine::{Admission, ApiKeys, BuildError, Builder, Caller, Created, Maintenance, ManageError};
pub use id::{Actor, KeyId, OrgId};
pub use key::{KeyName, KeyPatch, NewKey, Status};
pub use limiter::Limiter;
pub use memory::MemoryStore;
pub use plan::{Plan, PlanName, Plans, Quota};
pub use rate_limit::{RateLimit, RateLimited, RateStatus};
pub use store::KeyStore;
pub use token::Secret;
