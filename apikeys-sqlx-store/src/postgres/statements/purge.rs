//! Statements of the purge. Each statement finds its rows by an index, and deletes a limited number of rows.

/// The ids of the first ?2 keys of the organization ?1. All statements of a round select the same keys. An array
/// makes PostgreSQL look up each key, whatever the statistics say.
macro_rules! first_keys {
    () => {
        "ANY(ARRAY(SELECT id FROM apikeys_keys WHERE org = ?1 ORDER BY id LIMIT ?2))"
    };
}

/// Another purge waits until this one has ended.
pub(super) const LOCK: &str = "SELECT value FROM apikeys_state WHERE name = 'purge' FOR UPDATE";

/// The schemes of the secrets that [`SECRETS`] deletes, and the number of secrets of each. The rows are locked,
/// because a change can also delete the secrets of a forgotten organization.
pub(super) const SCHEMES: &str = concat!(
    "SELECT scheme, count(*) FROM (SELECT scheme FROM apikeys_secrets WHERE key = ",
    first_keys!(),
    " FOR UPDATE) s GROUP BY scheme ORDER BY scheme"
);
pub(super) const SECRETS: &str = concat!("DELETE FROM apikeys_secrets WHERE key = ", first_keys!());
pub(super) const COUNTERS: &str = concat!("DELETE FROM apikeys_counters WHERE key = ", first_keys!());
pub(super) const WARNINGS: &str = concat!("DELETE FROM apikeys_warnings WHERE key = ", first_keys!());
pub(super) const KEYS: &str = concat!("DELETE FROM apikeys_keys WHERE id = ", first_keys!());
pub(super) const TOMBSTONES: &str = "
    DELETE FROM apikeys_tombstones WHERE id = ANY(ARRAY(
        SELECT id FROM apikeys_tombstones WHERE org = ?1 ORDER BY id LIMIT ?2))";

pub(super) const USAGE: &str = "
    DELETE FROM apikeys_usage WHERE hour = ?2 AND org = ?1 AND key = ANY(ARRAY(
        SELECT key FROM apikeys_usage WHERE hour = ?2 AND org = ?1 LIMIT ?3))";

pub(super) const EVENTS: &str = "
    DELETE FROM apikeys_audit WHERE org = ?1 AND id <= (
        SELECT id FROM (SELECT id FROM apikeys_audit WHERE org = ?1 ORDER BY id LIMIT ?2) first
        ORDER BY id DESC LIMIT 1)";
