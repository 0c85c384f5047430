//! The events of the audit log: changes to keys and plans, and requests made with keys.

mod changes;
mod event;
mod request;

pub use changes::{ChangeValue, Changes, FromTo};
pub use event::{Action, AuditEntry, AuditEvent, Detail, KeyRef};
pub use request::{Outcome, RequestId, RequestMeta, RequestRecord, TraceId};
