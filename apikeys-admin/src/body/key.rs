use apikeys_core::{
    Actor, KeyId, KeyName, RateLimit, Status, Timestamp,
    engine::{KeyListing, ManagedKey, QuotaStatus},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::schema;

/// A key, as its administrators see it. Nothing of its secret but the display prefix.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Key {
    #[schemars(with = "schema::Id")]
    pub(crate) id: KeyId,
    /// What its administrators call it.
    #[schemars(with = "String")]
    name: KeyName,
    /// The display prefix: the first characters of the secret. Null where there is none.
    prefix: Option<String>,
    /// Deactivated wins over expired.
    #[schemars(with = "schema::Status")]
    status: Status,
    /// False when deactivated.
    active: bool,
    #[schemars(with = "schema::Time")]
    created_at: Timestamp,
    /// Who created it.
    #[schemars(with = "String")]
    created_by: Actor,
    /// From when on it is refused; null: never.
    #[schemars(with = "Option<schema::Time>")]
    expires_at: Option<Timestamp>,
    /// Its own limit in requests per minute; null: the plan's.
    #[schemars(with = "Option<schema::Limit>")]
    rate_limit: Option<RateLimit>,
    /// The limit that applies to it.
    #[schemars(with = "schema::Limit")]
    effective_rate_limit: RateLimit,
    /// When the latest admitted request began.
    #[schemars(with = "Option<schema::Time>")]
    last_used_at: Option<Timestamp>,
    /// Admitted requests.
    request_count: u64,
}

/// A new key with its secret, which is shown this once.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CreatedKey<'a> {
    pub(crate) key: Key,
    /// What a program sends as `Authorization: Bearer`. There is no other way to it, ever.
    pub(crate) secret: &'a str,
}

/// Some of the organization's keys, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KeyList {
    pub(crate) keys: Vec<Key>,
    /// Where to go on; null at the end.
    pub(crate) next_cursor: Option<String>,
    pub(crate) quota: QuotaUse,
}

/// How many keys there are and may be.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Quota")]
pub(crate) struct QuotaUse {
    /// Keys that exist, whatever their status.
    used: u32,
    /// What the plan allows; null: any number.
    limit: Option<u32>,
}

impl From<ManagedKey> for Key {
    fn from(key: ManagedKey) -> Self {
        let ManagedKey { view, status, effective_rate_limit, .. } = key;
        let row = view.row;
        Self {
            id: row.id,
            name: row.name,
            prefix: display_prefix(row.display_prefix),
            status,
            active: row.active,
            created_at: row.created_at,
            created_by: row.created_by,
            expires_at: row.expires_at,
            rate_limit: row.rate_limit,
            effective_rate_limit,
            last_used_at: view.last_used_at,
            request_count: view.request_count,
        }
    }
}

/// Keys that were not issued here may have none.
pub(super) fn display_prefix(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

impl KeyList {
    pub(crate) fn new(listing: KeyListing, next_cursor: Option<String>) -> Self {
        let keys = listing.page.items.into_iter().map(Key::from).collect();
        Self { keys, next_cursor, quota: listing.quota.into() }
    }
}

impl From<QuotaStatus> for QuotaUse {
    fn from(status: QuotaStatus) -> Self {
        Self { used: status.used, limit: status.quota.limit() }
    }
}
