use crate::{
    Timestamp,
    id::{Actor, KeyId, OrgId},
    key::{KeyName, Status},
    plan::PlanName,
    rate_limit::RateLimit,
    token::Locator,
};

/// A key as a store keeps it. The row contains nothing of the secret except the display prefix, and can be
/// shown to everyone who may see the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRow {
    /// The key's id.
    pub id: KeyId,
    /// The organization that owns the key.
    pub org: OrgId,
    /// The name that an administrator gave the key.
    pub name: KeyName,
    /// The beginning of the key's secret: its prefix, `_` and the next four characters, such as
    /// `acme_live_7Hc3`.
    pub display_prefix: String,
    /// Whether the key is active. A deactivated key is refused.
    pub active: bool,
    /// The time at which the key was created.
    pub created_at: Timestamp,
    /// The actor who created the key.
    pub created_by: Actor,
    /// The time from which the key is refused. `None` means that the key never expires.
    pub expires_at: Option<Timestamp>,
    /// The time at which `expires_at` was last set. `None` means that the key never expires, or that the time is
    /// unknown.
    pub expiry_set_at: Option<Timestamp>,
    /// The key's own rate limit. `None` means that the plan's rate limit applies.
    pub rate_limit: Option<RateLimit>,
    /// The version of the row, which increases with each update. An update names the version from which it
    /// was made.
    pub version: u64,
    /// The settings that newer versions of this library may add.
    pub settings: Settings,
}

impl KeyRow {
    /// Creates the row of an active key at version 1 that never expires and has the rate limit of its plan.
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

    /// Returns the key's status at `now`. A key that is deactivated and has expired is
    /// [`Deactivated`](Status::Deactivated).
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        Status::at(self.active, self.expires_at, now)
    }
}

/// A key with its organization's plan and its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyView {
    /// The key.
    pub row: KeyRow,
    /// The stored plan of the key's organization, read together with the key.
    pub plan: PlanName,
    /// The number of admitted requests that have been recorded.
    pub request_count: u64,
    /// The start of the latest admitted request. `None` means that no admitted request has been recorded.
    pub last_used_at: Option<Timestamp>,
}

impl KeyView {
    /// Creates a key with its organization's plan and its counters.
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

/// A stored secret of a key. The row contains the secret's locator and not the secret.
///
/// The [engine](crate::engine) creates each key with one secret. A store must keep any number of secrets of a key,
/// so that a later version of the library can replace the secret of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretRow {
    /// The locator by which the secret is found.
    pub locator: Locator,
    /// The key to which the secret belongs.
    pub key: KeyId,
    /// The time at which the secret was issued.
    pub created_at: Timestamp,
    /// The time from which the secret is refused as unknown. `None` means never.
    pub ends_at: Option<Timestamp>,
}

impl SecretRow {
    /// Creates a secret whose `ends_at` is `None`.
    #[must_use]
    pub const fn new(locator: Locator, key: KeyId, created_at: Timestamp) -> Self {
        Self { locator, key, created_at, ends_at: None }
    }
}

/// Settings of a key that this version of the library does not know, as one JSON object. Newer versions may add such
/// settings.
///
/// A store keeps the text unchanged. This version of the library does not parse the text, so that a process keeps
/// the settings that a newer version wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings(Box<str>);

impl Settings {
    /// Creates settings from the text that a store has read.
    #[must_use]
    pub fn from_json(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the text of the JSON object.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl Default for Settings {
    /// Returns the settings of new keys: the version of the format, and nothing else.
    fn default() -> Self {
        Self(r#"{"v":1}"#.into())
    }
}
