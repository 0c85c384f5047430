use std::net::IpAddr;

use apikeys_core::{
    Actor, AuditEntry, KeyId, KeyName, Timestamp,
    audit::{AuditEvent, Changes, Detail, KeyRef, RequestRecord},
    id::EventId,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{key::display_prefix, schema};

/// Some of the organization's audit log, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EventList {
    pub(crate) events: Vec<Event>,
    /// Where to go on; null at the end.
    pub(crate) next_cursor: Option<String>,
}

/// One event of the audit log.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Event {
    #[schemars(with = "schema::Id")]
    pub(crate) id: EventId,
    /// When it happened; for a request, when it began.
    #[schemars(with = "schema::Time")]
    at: Timestamp,
    #[schemars(with = "schema::ActionName")]
    action: String,
    /// Who did it; null for `request` and `audit.gap`.
    #[schemars(with = "Option<String>")]
    actor: Option<Actor>,
    /// The key it concerns, deleted or not; null where none is concerned.
    key: Option<EventKey>,
    /// What changed from what to what.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Changes")]
    changes: Option<Changes>,
    /// With `audit.gap`: how many events could not be stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    lost: Option<u32>,
    /// The request, with `request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "EventRequest")]
    request: Option<EventRequest>,
}

/// The key of an event, with the name it has now or had last.
#[derive(Debug, Serialize, JsonSchema)]
struct EventKey {
    #[schemars(with = "schema::Id")]
    id: KeyId,
    /// Null where nothing but the id is known.
    #[schemars(with = "Option<String>")]
    name: Option<KeyName>,
    /// The display prefix. Null where there is none.
    prefix: Option<String>,
}

/// A request made with a key.
#[derive(Debug, Serialize, JsonSchema)]
struct EventRequest {
    method: String,
    /// Without the query.
    path: String,
    /// The response's; null if there was none.
    #[schemars(with = "Option<schema::HttpStatus>")]
    status: Option<u16>,
    #[schemars(with = "schema::OutcomeName")]
    outcome: String,
    /// To the response, in milliseconds with three decimals.
    latency_ms: f64,
    /// Where it came from, if known.
    #[schemars(with = "Option<String>")]
    ip: Option<IpAddr>,
    user_agent: Option<String>,
    request_id: Option<String>,
    /// Of its `traceparent`.
    trace_id: Option<String>,
    /// Why it was denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Denial")]
    denial: Option<String>,
    /// How many denials this event stands for, beyond the 60 a minute that have their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    count: Option<u32>,
}

impl From<AuditEntry> for Event {
    fn from(entry: AuditEntry) -> Self {
        let AuditEvent { id, at, key, action, actor, detail, .. } = entry.event;
        let (mut changes, mut lost, mut request) = (None, None, None);
        match detail {
            Detail::Changes(from_to) => changes = Some(from_to),
            Detail::Gap { lost: events } => lost = Some(events),
            Detail::Request(record) => request = Some(record.into()),
            _ => {}
        }
        let key = entry.key.map(EventKey::from).or(key.map(EventKey::unknown));
        Self { id, at, action: action.to_string(), actor, key, changes, lost, request }
    }
}

impl EventKey {
    /// The id is all that is left of it.
    fn unknown(id: KeyId) -> Self {
        Self { id, name: None, prefix: None }
    }
}

impl From<KeyRef> for EventKey {
    fn from(key: KeyRef) -> Self {
        Self { id: key.id, name: Some(key.name), prefix: display_prefix(key.display_prefix) }
    }
}

impl From<RequestRecord> for EventRequest {
    fn from(record: RequestRecord) -> Self {
        let meta = &record.meta;
        Self {
            method: meta.method().to_owned(),
            path: meta.path().to_owned(),
            status: record.status,
            outcome: record.outcome.to_string(),
            latency_ms: record.latency.as_micros() as f64 / 1_000.0,
            ip: meta.client_ip(),
            user_agent: meta.user_agent().map(str::to_owned),
            request_id: meta.request_id().map(ToString::to_string),
            trace_id: meta.trace_id().map(|id| id.to_string()),
            denial: record.denial.as_ref().map(ToString::to_string),
            count: record.count,
        }
    }
}
