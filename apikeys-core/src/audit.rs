//! What is on the audit log: every change to a key, and every request made with one.

mod changes;
mod event;
mod request;

pub use changes::{ChangeValue, Changes, FromTo};
pub use event::{Action, AuditEntry, AuditEvent, Detail, KeyRef};
pub use request::{Outcome, RequestId, RequestMeta, RequestRecord, TraceId};
