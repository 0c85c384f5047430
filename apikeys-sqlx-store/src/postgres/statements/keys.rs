//! Statements on keys for management.

use super::columns::{key_columns, own_org};

macro_rules! keys {
    ($condition:expr) => {
        concat!(
            "SELECT ",
            key_columns!(),
            ", o.plan, coalesce(c.request_count, 0), c.last_used_at,
             EXISTS (SELECT 1 FROM apikeys_forgotten f WHERE f.num = k.org)
             FROM apikeys_keys k
             LEFT JOIN apikeys_orgs o ON o.num = k.org
             LEFT JOIN apikeys_counters c ON c.key = k.id ",
            $condition
        )
    };
}

pub(super) const KEY: &str = keys!(concat!("WHERE k.id = ?1 AND k.org = ", own_org!("?2")));

pub(super) const KEYS_OF_ORG: &str =
    keys!(concat!("WHERE k.org = ", own_org!("?3"), " AND k.id < ?1 ORDER BY k.id DESC LIMIT ?2"));

/// The statement also returns the keys of forgotten organizations, and the caller leaves them out. A
/// condition in the statement would make PostgreSQL step over any number of such keys.
pub(super) const KEYS_OF_ALL: &str = keys!("WHERE k.id < ?1 ORDER BY k.id DESC LIMIT ?2");
