use apikeys_core::{
    Actor, KeyId, KeyName, RateLimit, Status, Timestamp,
    engine::{KeyListing, ManagedKey, QuotaUsage},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::schema;

/// An API key, without its secret.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Key {
    #[schemars(with = "schema::Id")]
    pub(crate) id: KeyId,
    /// The name that an administrator gave the key.
    #[schemars(with = "String")]
    name: KeyName,
    /// The first characters of the secret, which help to recognize it. Null if they are unknown.
    prefix: Option<String>,
    /// The status of the key. A key that is both deactivated and expired is `deactivated`.
    #[schemars(with = "schema::Status")]
    status: Status,
    /// Whether the key is activated. An activated key can be expired.
    active: bool,
    /// The time of the creation.
    #[schemars(with = "schema::Time")]
    created_at: Timestamp,
    /// The administrator who created the key.
    #[schemars(with = "String")]
    created_by: Actor,
    /// The time from which on the key does not work. Null means that the key does not expire.
    #[schemars(with = "Option<schema::Time>")]
    expires_at: Option<Timestamp>,
    /// The key's own rate limit in requests per minute. Null means that the plan's limit applies.
    #[schemars(with = "Option<schema::Limit>")]
    rate_limit: Option<RateLimit>,
    /// The rate limit that applies to the key, in requests per minute.
    #[schemars(with = "schema::Limit")]
    effective_rate_limit: RateLimit,
    /// The time at which the latest admitted request began. Null means that no request was admitted.
    #[schemars(with = "Option<schema::Time>")]
    last_used_at: Option<Timestamp>,
    /// The number of admitted requests.
    request_count: u64,
}

/// A new key and its secret. The secret is returned only once.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CreatedKey<'a> {
    pub(crate) key: Key,
    /// The secret. Programs send it as `Authorization: Bearer <secret>`. It cannot be retrieved later.
    pub(crate) secret: &'a str,
}

/// A page of the organization's keys, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KeyList {
    pub(crate) keys: Vec<Key>,
    /// The cursor of the next page. Null on the last page.
    pub(crate) next_cursor: Option<String>,
    pub(crate) quota: QuotaBody,
}

/// The number of keys of the organization, and the number that its plan allows.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Quota")]
pub(crate) struct QuotaBody {
    /// The number of keys of the organization, including deactivated and expired keys.
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

/// Returns the display prefix, or `None` if it is empty. Imported keys can have an empty display prefix.
pub(super) fn display_prefix(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

impl KeyList {
    pub(crate) fn new(listing: KeyListing, next_cursor: Option<String>) -> Self {
        let keys = listing.items.into_iter().map(Key::from).collect();
        Self { keys, next_cursor, quota: listing.quota.into() }
    }
}

impl From<QuotaUsage> for QuotaBody {
    fn from(usage: QuotaUsage) -> Self {
        Self { used: usage.used, limit: usage.quota.limit() }
    }
}
