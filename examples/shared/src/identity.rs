use apikeys_core::{KeyId, KeyName, OrgId};
use serde::Serialize;

/// The response to `GET /v1/whoami`.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Identity {
    /// The organization that owns the key.
    pub org: String,
    /// The id of the key.
    pub key_id: String,
    /// The name of the key.
    pub name: String,
}

impl Identity {
    /// Creates the response for a caller.
    #[must_use]
    pub fn new(org: &OrgId, key_id: KeyId, name: &KeyName) -> Self {
        Self { org: org.to_string(), key_id: key_id.to_string(), name: name.to_string() }
    }
}
