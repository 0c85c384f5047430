use serde::{Deserialize, Serialize};

use crate::Timestamp;

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

impl Status {
    /// Returns the status at `now` of a key with these settings. A key that is deactivated and has expired is
    /// deactivated.
    pub(crate) fn at(active: bool, expires_at: Option<Timestamp>, now: Timestamp) -> Self {
        if !active {
            Self::Deactivated
        } else if expires_at.is_some_and(|end| end <= now) {
            Self::Expired
        } else {
            Self::Active
        }
    }
}
