use apikeys_core::VerifiedKey;
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

impl From<&VerifiedKey> for Identity {
    fn from(caller: &VerifiedKey) -> Self {
        Self {
            org: caller.org().to_string(),
            key_id: caller.key_id().to_string(),
            name: caller.key_name().to_string(),
        }
    }
}
