//! The responses of the management API. Its OpenAPI document describes the members.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A key.
#[derive(Debug, Deserialize)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) prefix: Option<String>,
    pub(crate) status: String,
    pub(crate) created_at: String,
    pub(crate) created_by: String,
    pub(crate) expires_at: Option<String>,
    pub(crate) rate_limit: Option<u32>,
    pub(crate) effective_rate_limit: u32,
    pub(crate) last_used_at: Option<String>,
    pub(crate) request_count: u64,
}

/// A new key. This type does not implement `Debug`, because it holds the secret.
#[derive(Deserialize)]
pub(crate) struct Created {
    pub(crate) key: Key,
    pub(crate) secret: String,
}

/// A page of keys.
#[derive(Debug, Deserialize)]
pub(crate) struct KeyPage {
    pub(crate) keys: Vec<Key>,
    pub(crate) next_cursor: Option<String>,
    pub(crate) quota: Quota,
}

/// The number of keys, and how many the plan allows.
#[derive(Debug, Deserialize)]
pub(crate) struct Quota {
    pub(crate) used: u32,
    pub(crate) limit: Option<u32>,
}

/// A page of the audit log.
#[derive(Debug, Deserialize)]
pub(crate) struct EventPage {
    pub(crate) events: Vec<Event>,
    pub(crate) next_cursor: Option<String>,
}

/// An event of the audit log.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    pub(crate) at: String,
    pub(crate) action: String,
    pub(crate) actor: Option<String>,
    pub(crate) key: Option<EventKey>,
    #[serde(default)]
    pub(crate) changes: BTreeMap<String, FromTo>,
    pub(crate) lost: Option<u32>,
    pub(crate) request: Option<EventRequest>,
}

/// The key of an event.
#[derive(Debug, Deserialize)]
pub(crate) struct EventKey {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
}

/// The old and the new value of a member.
#[derive(Debug, Deserialize)]
pub(crate) struct FromTo {
    pub(crate) from: Value,
    pub(crate) to: Value,
}

/// The request of an event.
#[derive(Debug, Deserialize)]
pub(crate) struct EventRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: Option<u16>,
    pub(crate) outcome: String,
    pub(crate) latency_ms: f64,
    pub(crate) ip: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) trace_id: Option<String>,
    pub(crate) denial: Option<String>,
    pub(crate) count: Option<u32>,
}

/// The usage of a key.
#[derive(Debug, Deserialize)]
pub(crate) struct Usage {
    pub(crate) points: Vec<Point>,
}

/// The usage in an hour or a day.
#[derive(Debug, Deserialize)]
pub(crate) struct Point {
    pub(crate) at: String,
    pub(crate) requests: u64,
    pub(crate) denied: u64,
}

/// An error: RFC 9457 problem details.
#[derive(Debug, Deserialize)]
pub(crate) struct Problem {
    pub(crate) code: String,
    pub(crate) title: String,
    pub(crate) detail: String,
    #[serde(default)]
    pub(crate) errors: Vec<InvalidMember>,
}

/// An invalid member of the body.
#[derive(Debug, Deserialize)]
pub(crate) struct InvalidMember {
    pub(crate) pointer: String,
    pub(crate) detail: String,
}
