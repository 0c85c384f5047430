use serde::{Deserialize, Serialize};

use super::KeyName;
use crate::{
    Timestamp,
    id::{Actor, KeyId, OrgId},
    plan::PlanName,
    rate_limit::RateLimit,
    token::Locator,
};

/// A key as a store keeps it. It can be shown to anybody who may see the organization: it holds
/// nothing of the secret but its display prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRow {
    /// The key's id.
    pub id: KeyId,
    /// The organization that owns it.
    pub org: OrgId,
    /// What its administrator calls it.
    pub name: KeyName,
    /// The prefix and the first four characters of its secret.
    pub display_prefix: String,
    /// False when deactivated.
    pub active: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: Actor,
    /// From when on it is refused; never, if none.
    pub expires_at: Option<Timestamp>,
    /// When `expires_at` was last set.
    pub expiry_set_at: Option<Timestamp>,
    /// Its own rate limit; the plan's, if none.
    pub rate_limit: Option<RateLimit>,
    /// Counts the changes: a change names the version it was made from.
    pub version: u64,
    /// What later versions of this library add.
    pub settings: Settings,
}

impl KeyRow {
    /// A new, active key at version 1, without expiry and with the plan's limit.
    #[must_use]
    pub fn new(
        id: KeyId,
        org: OrgId,
        name: KeyName,
        display_prefix: String,
        created_at: Timestamp,
        created_by: Actor,
    ) -> Self {
        Self {
            id,
            org,
            name,
            display_prefix,
            active: true,
            created_at,
            created_by,
            expires_at: None,
            expiry_set_at: None,
            rate_limit: None,
            version: 1,
            settings: Settings::default(),
        }
    }

    /// The key's status at `now`. A deactivated key is deactivated, expired or not.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        if !self.active {
            Status::Deactivated
        } else if self.expires_at.is_some_and(|end| end <= now) {
            Status::Expired
        } else {
            Status::Active
        }
    }
}

/// Whether a key works, as far as the key itself is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// It works, if the plan has API access.
    Active,
    /// An administrator switched it off.
    Deactivated,
    /// Its expiration date has come.
    Expired,
}

/// A key with its organization's plan and its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyView {
    /// The key.
    pub row: KeyRow,
    /// The stored plan of the key's organization, read together with the key.
    pub plan: PlanName,
    /// Admitted requests recorded so far.
    pub request_count: u64,
    /// When the latest of them began.
    pub last_used_at: Option<Timestamp>,
}

impl KeyView {
    /// A key with its counters.
    #[must_use]
    pub const fn new(
        row: KeyRow,
        plan: PlanName,
        request_count: u64,
        last_used_at: Option<Timestamp>,
    ) -> Self {
        Self { row, plan, request_count, last_used_at }
    }
}

/// One of a key's secrets: two during a rotation, otherwise one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretRow {
    /// What the secret is looked up by.
    pub locator: Locator,
    /// The key it belongs to.
    pub key: KeyId,
    /// When it was issued.
    pub created_at: Timestamp,
    /// From when on it is unknown; never, if none.
    pub ends_at: Option<Timestamp>,
}

impl SecretRow {
    /// A secret without an end.
    #[must_use]
    pub const fn new(locator: Locator, key: KeyId, created_at: Timestamp) -> Self {
        Self { locator, key, created_at, ends_at: None }
    }
}

/// A key's further settings: one JSON object, which a store keeps as it is.
///
/// A process must not lose what a newer one wrote, so the text is carried along unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings(Box<str>);

impl Settings {
    /// Settings as a store holds them.
    #[must_use]
    pub fn from_json(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The JSON object.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl Default for Settings {
    /// Version 1, nothing set.
    fn default() -> Self {
        Self(r#"{"v":1}"#.into())
    }
}
