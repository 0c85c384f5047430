use apikeys_core::{Timestamp, store::UsagePoint};
use schemars::JsonSchema;
use serde::Serialize;

use super::schema;

/// The usage of a key. Hours and days without requests are left out.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Usage {
    /// The hours or days, oldest first.
    points: Vec<Point>,
}

/// The usage of a key in an hour or a UTC day.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UsagePoint")]
pub(crate) struct Point {
    /// The beginning of the hour or day.
    #[schemars(with = "schema::Time")]
    at: Timestamp,
    /// The number of admitted requests.
    requests: u64,
    /// The number of denied requests.
    denied: u64,
}

impl From<Vec<UsagePoint>> for Usage {
    fn from(points: Vec<UsagePoint>) -> Self {
        let point = |UsagePoint { at, requests, denied, .. }| Point { at, requests, denied };
        Self { points: points.into_iter().map(point).collect() }
    }
}
