#![doc = include_str!("overview.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
pub mod audit;
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod denial;
pub mod engine;
pub mod entropy;
#[doc = include_str!("guide.md")]
pub mod guide {}
pub mod http;
pub mod id;
pub mod key;
pub mod limiter;
mod memory;
pub mod plan;
pub mod rate_limit;
mod shard;
pub mod store;
mod text;
mod text_enum;
pub mod token;
pub mod warning;

#[doc(inline)]
pub use self::{
    audit::{AuditEntry, AuditEvent, RequestMeta},
    clock::{Clock, ManualClock, SystemClock, Timestamp},
    denial::{Denial, DenialCode},
    engine::{
        Admission, ApiKeys, BuildError, Builder, CreatedKey, KeyListing, KeyManager, Maintenance,
        ManageError, ManagedKey, Operator, QuotaUsage, VerifiedKey,
    },
    id::{Actor, KeyId, OrgId},
    key::{KeyName, KeyPatch, NewKey, Status},
    limiter::Limiter,
    plan::{Plan, PlanName, Plans, Quota},
    rate_limit::{RateLimit, RateLimited, RateStatus},
    store::KeyStore,
    text::InvalidValue,
    token::Secret,
};
pub use memory::MemoryStore;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
