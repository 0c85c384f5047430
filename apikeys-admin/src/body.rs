//! The bodies of requests and responses. The schemas in the OpenAPI document are derived from these types.

mod event;
mod key;
mod plan;
mod problem;
mod request;
pub(crate) mod schema;
mod usage;

pub(crate) use event::{Event, EventList};
pub(crate) use key::{CreatedKey, Key, KeyList};
pub(crate) use plan::Plan;
pub(crate) use problem::ProblemSchema;
pub(crate) use request::{KeyPatchBody, NewKeyBody};
pub(crate) use usage::Usage;
