//! Statements of the purge. Each statement finds its rows by an index, and deletes a limited number of rows.

/// The first ?2 keys `f` of the organization ?1, joined with the table `$of`. All statements of a round select the same
/// keys. The limit makes MySQL read the keys first.
macro_rules! of_first_keys {
    ($of:literal, $index:literal) => {
        concat!(
            " FROM (SELECT id FROM apikeys_keys FORCE INDEX (apikeys_keys_by_org) WHERE org = ?1 ORDER BY id LIMIT ?2) f
             STRAIGHT_JOIN ",
            $of,
            " r FORCE INDEX (",
            $index,
            ") ON r.key = f.id "
        )
    };
}

/// Deletes the first ?2 rows of the organization ?1. A deletion from one table cannot name the index, and MySQL could
/// choose the primary key, which is in the order of ids too.
macro_rules! first_of_org {
    ($table:literal, $index:literal) => {
        concat!(
            "DELETE r FROM (SELECT id FROM ",
            $table,
            " FORCE INDEX (",
            $index,
            ") WHERE org = ?1 ORDER BY id LIMIT ?2) f STRAIGHT_JOIN ",
            $table,
            " r FORCE INDEX (PRIMARY) ON r.id = f.id"
        )
    };
}

/// Another purge waits until this one has ended.
pub(super) const LOCK: &str = "SELECT value FROM apikeys_state WHERE name = 'purge' FOR UPDATE";

/// The schemes of the secrets that [`SECRETS`] deletes, and the number of secrets of each. The rows are locked,
/// because a change can also delete the secrets of a forgotten organization.
pub(super) const SCHEMES: &str = concat!(
    "SELECT r.scheme, count(*)",
    of_first_keys!("apikeys_secrets", "apikeys_secrets_by_key"),
    "GROUP BY r.scheme ORDER BY r.scheme FOR UPDATE"
);
pub(super) const SECRETS: &str =
    concat!("DELETE r", of_first_keys!("apikeys_secrets", "apikeys_secrets_by_key"));
pub(super) const COUNTERS: &str = concat!("DELETE r", of_first_keys!("apikeys_counters", "PRIMARY"));
pub(super) const WARNINGS: &str = concat!("DELETE r", of_first_keys!("apikeys_warnings", "PRIMARY"));
pub(super) const KEYS: &str = first_of_org!("apikeys_keys", "apikeys_keys_by_org");
pub(super) const TOMBSTONES: &str = first_of_org!("apikeys_tombstones", "apikeys_tombstones_by_org");

pub(super) const USAGE: &str = "
    DELETE r FROM (
        SELECT hour, org, key FROM apikeys_usage FORCE INDEX (PRIMARY)
        WHERE hour = ?2 AND org = ?1 ORDER BY key LIMIT ?3) f
    STRAIGHT_JOIN apikeys_usage r FORCE INDEX (PRIMARY) ON r.hour = f.hour AND r.org = f.org AND r.key = f.key";

pub(super) const EVENTS: &str = "DELETE FROM apikeys_audit WHERE org = ?1 ORDER BY id LIMIT ?2";
pub(in crate::mysql) const RARE_EVENTS: &str =
    "DELETE FROM apikeys_audit_rare WHERE org = ?1 ORDER BY action, id LIMIT ?2";
pub(in crate::mysql) const LATE_EVENTS: &str =
    "DELETE FROM apikeys_audit_late WHERE org = ?1 ORDER BY at, id LIMIT ?2";
