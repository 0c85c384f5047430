use serde::{Deserialize, Serialize};

/// The status of a key. The status does not depend on the organization's plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// The key works if the organization's plan has API access.
    Active,
    /// An administrator deactivated the key.
    Deactivated,
    /// The key's expiration date has been reached.
    Expired,
}
