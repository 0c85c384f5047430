//! Statements on keys, their counters and the tombstones of deleted keys.

use super::columns::{key_columns, plan_column};

macro_rules! keys {
    ($keys:literal, $condition:literal) => {
        concat!(
            "SELECT ",
            key_columns!(),
            ", ",
            plan_column!(),
            ", coalesce(c.request_count, 0), c.last_used_at,
             EXISTS (SELECT 1 FROM apikeys_forgotten f WHERE f.num = k.org)
             FROM ",
            $keys,
            " LEFT JOIN apikeys_counters c ON c.key = k.id ",
            $condition
        )
    };
}

pub(super) const KEY: &str =
    keys!("apikeys_keys k", "WHERE k.id = ?1 AND k.org = (SELECT num FROM apikeys_orgs WHERE id = ?2)");

/// The index is named because statistics from a time when one organization had all keys would make SQLite
/// scan the keys of all organizations.
pub(super) const KEYS_OF_ORG: &str = keys!(
    "apikeys_keys k INDEXED BY apikeys_keys_by_org",
    "WHERE k.org = (SELECT num FROM apikeys_orgs WHERE id = ?3) AND k.id < ?1
     ORDER BY k.id DESC LIMIT ?2"
);

/// The statement also returns the keys of forgotten organizations, and the caller leaves them out. A
/// condition in the statement would make SQLite step over any number of such keys.
pub(super) const KEYS_OF_ALL: &str = keys!("apikeys_keys k", "WHERE k.id < ?1 ORDER BY k.id DESC LIMIT ?2");

pub(super) const ADD: &str = "
    INSERT INTO apikeys_keys (id, org, name, display_prefix, active, created_at, created_by, expires_at,
        expiry_set_at, rate_limit, version, settings)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

pub(super) const ADD_COUNTER: &str =
    "INSERT INTO apikeys_counters (key, org, request_count, last_used_at) VALUES (?1, ?2, 0, NULL)";

pub(super) const VERSION: &str = "SELECT version FROM apikeys_keys WHERE id = ?1 AND org = ?2";

pub(super) const UPDATE: &str = "
    UPDATE apikeys_keys SET name = ?3, display_prefix = ?4, active = ?5, created_at = ?6, created_by = ?7,
        expires_at = ?8, expiry_set_at = ?9, rate_limit = ?10, version = ?11, settings = ?12
    WHERE id = ?1 AND org = ?2";

pub(super) const CREATED_AT: &str = "SELECT created_at FROM apikeys_keys WHERE id = ?1 AND org = ?2";

pub(super) const DELETED: &str = "SELECT 1 FROM apikeys_tombstones WHERE id = ?1";

pub(super) const ADD_TOMBSTONE: &str = "
    INSERT INTO apikeys_tombstones (id, org, name, display_prefix)
    SELECT id, org, name, display_prefix FROM apikeys_keys WHERE id = ?1 AND org = ?2";

pub(super) const DELETE_COUNTER: &str = "DELETE FROM apikeys_counters WHERE key = ?1 AND org = ?2";

pub(super) const DELETE: &str = "DELETE FROM apikeys_keys WHERE id = ?1 AND org = ?2";
