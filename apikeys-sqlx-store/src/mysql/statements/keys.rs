//! Statements on keys for management.

use super::columns::{key_columns, select};

macro_rules! keys {
    ($from:literal, $end:literal) => {
        concat!(
            select!(),
            key_columns!(),
            ", o.plan, coalesce(c.request_count, 0), c.last_used_at,
             EXISTS (SELECT 1 FROM apikeys_forgotten f WHERE f.num = k.org) FROM ",
            $from,
            " LEFT JOIN apikeys_counters c ON c.key = k.id ",
            $end
        )
    };
}

pub(super) const KEY: &str = keys!(
    "apikeys_orgs o STRAIGHT_JOIN apikeys_keys k FORCE INDEX (PRIMARY) ON k.org = o.num",
    "WHERE k.id = ?1 AND o.id = ?2"
);

pub(super) const KEYS_OF_ORG: &str = keys!(
    "apikeys_orgs o STRAIGHT_JOIN apikeys_keys k FORCE INDEX (apikeys_keys_by_org) ON k.org = o.num",
    "WHERE o.id = ?3 AND k.id < ?1 ORDER BY k.id DESC LIMIT ?2"
);

/// The statement also returns the keys of forgotten organizations, and the caller leaves them out. A
/// condition in the statement would make MySQL step over any number of such keys.
pub(super) const KEYS_OF_ALL: &str = keys!(
    "apikeys_keys k FORCE INDEX (PRIMARY) LEFT JOIN apikeys_orgs o ON o.num = k.org",
    "WHERE k.id < ?1 ORDER BY k.id DESC LIMIT ?2"
);
