//! Statements on the usage of a key, which the index of keys serves.

use super::columns::select;

pub(super) const USAGE: &str = concat!(
    select!(),
    "u.hour, u.requests, u.denied
     FROM apikeys_orgs o
     STRAIGHT_JOIN apikeys_keys k FORCE INDEX (PRIMARY) ON k.org = o.num
     STRAIGHT_JOIN apikeys_usage u FORCE INDEX (apikeys_usage_by_key) ON u.org = o.num
     WHERE o.id = ?2 AND k.id = ?1 AND u.key = ?1 AND u.hour >= ?3 AND u.hour < ?4
     ORDER BY u.hour"
);

/// The number of hours from ?1 in which the key ?3 has usage, at most ?2, and the last of these hours.
pub(super) const HOURS: &str = "
    SELECT count(*), max(h.hour) FROM (
        SELECT u.hour FROM apikeys_usage u FORCE INDEX (apikeys_usage_by_key)
        WHERE u.key = ?3 AND u.hour >= ?1 ORDER BY u.hour LIMIT ?2) h";

/// Deletes the usage of the key ?1 in the first ?4 hours from ?3. A deletion from one table cannot name the index, and
/// MySQL would choose the primary key, which is in the order of hours too.
pub(super) const DELETE_OF_KEY: &str = "
    DELETE r FROM (
        SELECT u.hour, u.org, u.key FROM apikeys_usage u FORCE INDEX (apikeys_usage_by_key)
        WHERE u.key = ?1 AND u.org = ?2 AND u.hour >= ?3 ORDER BY u.hour LIMIT ?4) f
    STRAIGHT_JOIN apikeys_usage r FORCE INDEX (PRIMARY) ON r.hour = f.hour AND r.org = f.org AND r.key = f.key";
