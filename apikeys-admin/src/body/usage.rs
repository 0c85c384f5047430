use apikeys_core::{Timestamp, store::UsagePoint};
use schemars::JsonSchema;
use serde::Serialize;

use super::schema;

/// How much a key was used. Hours and days without any request are left out.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Usage {
    /// In ascending order.
    points: Vec<Point>,
}

/// The usage in one hour or UTC day.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UsagePoint")]
pub(crate) struct Point {
    /// When the hour or day begins.
    #[schemars(with = "schema::Time")]
    at: Timestamp,
    /// Admitted requests.
    requests: u64,
    /// Denied requests.
    denied: u64,
}

impl From<Vec<UsagePoint>> for Usage {
    fn from(points: Vec<UsagePoint>) -> Self {
        let point = |UsagePoint { at, requests, denied, .. }| Point { at, requests, denied };
        Self { points: points.into_iter().map(point).collect() }
    }
}
