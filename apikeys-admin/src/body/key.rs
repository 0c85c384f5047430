use apikeys_core::{
    Actor, KeyId, KeyName, RateLimit, Status, Timestamp,
    engine::{KeyListing, ManagedKey, QuotaUsage},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::schema;

/// An API key. Of the secret it shows only the display prefix.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Key {
    #[schemars(with = "schema::Id")]
    pub(crate) id: KeyId,
    /// The name that an administrator gave the key.
    #[schemars(with = "String")]
    name: KeyName,
    /// The first characters of the secret, to recognize it. Null if they are not known.
    prefix: Option<String>,
    /// A key that is both deactivated and expired is `deactivated`.
    #[schemars(with = "schema::Status")]
    status: Status,
    /// False if the key is deactivated.
    active: bool,
    #[schemars(with = "schema::Time")]
    created_at: Timestamp,
    /// The administrator who created the key.
    #[schemars(with = "String")]
    created_by: Actor,
    /// When the key stops working. Null means never.
    #[schemars(with = "Option<schema::Time>")]
    expires_at: Option<Timestamp>,
    /// The key's own rate limit in requests per minute. Null means that the plan's limit applies.
    #[schemars(with = "Option<schema::Limit>")]
    rate_limit: Option<RateLimit>,
    /// The rate limit that applies to the key, in requests per minute.
    #[schemars(with = "schema::Limit")]
    effective_rate_limit: RateLimit,
    /// When the latest admitted request began. Null means that there was none.
    #[schemars(with = "Option<schema::Time>")]
    last_used_at: Option<Timestamp>,
    /// The number of admitted requests.
    request_count: u64,
}

/// A new key with its secret, which is shown only once.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CreatedKey<'a> {
    pub(crate) key: Key,
    /// The secret, which clients send as `Authorization: Bearer`. It cannot be retrieved later.
    pub(crate) secret: &'a str,
}

/// A page of the organization's keys, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KeyList {
    pub(crate) keys: Vec<Key>,
    /// The cursor of the next page. Null on the last page.
    pub(crate) next_cursor: Option<String>,
    pub(crate) quota: QuotaUse,
}

/// The number of keys, and how many the plan allows.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Quota")]
pub(crate) struct QuotaUse {
    /// The number of keys, whatever their status.
    used: u32,
    /// The number of keys that the plan allows. Null means unlimited.
    limit: Option<u32>,
}

impl From<ManagedKey> for Key {
    fn from(key: ManagedKey) -> Self {
        Self {
            id: key.id(),
            name: key.name().clone(),
            prefix: display_prefix(key.display_prefix().to_owned()),
            status: key.status(),
            active: key.is_active(),
            created_at: key.created_at(),
            created_by: key.created_by().clone(),
            expires_at: key.expires_at(),
            rate_limit: key.rate_limit(),
            effective_rate_limit: key.effective_rate_limit(),
            last_used_at: key.last_used_at(),
            request_count: key.request_count(),
        }
    }
}

/// Returns `None` for an empty text, which imported keys may have.
pub(super) fn display_prefix(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

impl KeyList {
    pub(crate) fn new(listing: KeyListing, next_cursor: Option<String>) -> Self {
        let keys = listing.items.into_iter().map(Key::from).collect();
        Self { keys, next_cursor, quota: listing.quota.into() }
    }
}

impl From<QuotaUsage> for QuotaUse {
    fn from(status: QuotaUsage) -> Self {
        Self { used: status.used, limit: status.quota.limit() }
    }
}
