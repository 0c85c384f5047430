use apikeys_core::VerifiedKey;
use serde::Serialize;

/// What `GET /v1/whoami` answers.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Identity {
    /// The organization that the key belongs to.
    pub org: String,
    /// The key.
    pub key_id: String,
    /// Its name.
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
