use std::net::IpAddr;

use apikeys_core::{
    Actor, AuditEntry, KeyId, KeyName, Timestamp,
    audit::{AuditEvent, Changes, Detail, KeyRef, RequestRecord},
    id::EventId,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{key::display_prefix, schema};

/// A page of the organization's audit log, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EventList {
    pub(crate) events: Vec<Event>,
    /// The cursor of the next page. Null on the last page.
    pub(crate) next_cursor: Option<String>,
}

/// An event of the audit log.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Event {
    #[schemars(with = "schema::Id")]
    pub(crate) id: EventId,
    /// The time of the event. For a request, the time at which the request began.
    #[schemars(with = "schema::Time")]
    at: Timestamp,
    #[schemars(with = "schema::EventAction")]
    action: String,
    /// The administrator or system that made the change. Null if the action is `request` or `audit.gap`.
    #[schemars(with = "Option<String>")]
    actor: Option<Actor>,
    /// The key that the event concerns. The key may have been deleted. Null if the event concerns no key.
    key: Option<EventKey>,
    /// The old and the new value of each changed member. Absent if the event is not a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Changes")]
    changes: Option<Changes>,
    /// The number of events that could not be stored. Present if the action is `audit.gap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    lost: Option<u32>,
    /// The request. Present if the action is `request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "EventRequest")]
    request: Option<EventRequest>,
}

/// The key of an event. The name is the current name, or the last name of a deleted key.
#[derive(Debug, Serialize, JsonSchema)]
struct EventKey {
    #[schemars(with = "schema::Id")]
    id: KeyId,
    /// The name of the key. Null if it is unknown.
    #[schemars(with = "Option<String>")]
    name: Option<KeyName>,
    /// The first characters of the secret. Null if they are unknown.
    prefix: Option<String>,
}

/// A request that was made with a key.
#[derive(Debug, Serialize, JsonSchema)]
struct EventRequest {
    /// The HTTP method.
    method: String,
    /// The path of the URL, without the query.
    path: String,
    /// The HTTP status of the response. Null if the request had no response.
    #[schemars(with = "Option<schema::HttpStatus>")]
    status: Option<u16>,
    #[schemars(with = "schema::EventOutcome")]
    outcome: String,
    /// The time from the beginning of the request to the response, in milliseconds with three decimals.
    latency_ms: f64,
    /// The IP address of the client. Null if it is unknown.
    #[schemars(with = "Option<String>")]
    ip: Option<IpAddr>,
    /// The `User-Agent` header. Null if the request had no such header.
    user_agent: Option<String>,
    /// The id of the request. Null if it is unknown.
    request_id: Option<String>,
    /// The trace id from the `traceparent` header. Null if the request had no valid header of this name.
    trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::EventDenial")]
    denial: Option<String>,
    /// The number of denials that the event counts. Denials are counted if the key had 60 denials in the same
    /// minute before, or if too many events are waiting to be written. Absent if the event stands for one
    /// request.
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
    /// Creates a key with an unknown name and prefix.
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
