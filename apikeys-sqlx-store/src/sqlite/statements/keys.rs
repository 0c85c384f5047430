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
