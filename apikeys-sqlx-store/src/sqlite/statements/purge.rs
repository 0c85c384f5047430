//! Statements of the purge. Each statement finds its rows by an index, and deletes a limited number of rows.

/// The first ?2 keys of the organization ?1. All statements of a round select the same keys.
macro_rules! first_keys {
    () => {
        "(SELECT id FROM apikeys_keys INDEXED BY apikeys_keys_by_org WHERE org = ?1 ORDER BY id LIMIT ?2)"
    };
}

/// The first ?2 tombstones of the organization ?1.
macro_rules! first_tombstones {
    () => {
        "(SELECT id FROM apikeys_tombstones INDEXED BY apikeys_tombstones_by_org
          WHERE org = ?1 ORDER BY id LIMIT ?2)"
    };
}

macro_rules! delete_spans {
    ($keys:expr) => {
        concat!(
            "DELETE FROM apikeys_audit_spans WHERE (key, first) IN (
                SELECT s.key, s.first FROM ",
            $keys,
            " k CROSS JOIN apikeys_audit_spans s ON s.key = k.id LIMIT ?3)"
        )
    };
}

/// The schemes of the secrets that [`SECRETS`] deletes, and the number of secrets of each.
pub(super) const SCHEMES: &str = concat!(
    "SELECT scheme, count(*) FROM apikeys_secrets INDEXED BY apikeys_secrets_by_key WHERE key IN ",
    first_keys!(),
    " GROUP BY scheme"
);
pub(super) const SECRETS: &str = concat!("DELETE FROM apikeys_secrets WHERE key IN ", first_keys!());
pub(super) const SPANS_OF_KEYS: &str = delete_spans!(first_keys!());
pub(super) const COUNTERS: &str = concat!("DELETE FROM apikeys_counters WHERE key IN ", first_keys!());
pub(super) const WARNINGS: &str = concat!("DELETE FROM apikeys_warnings WHERE key IN ", first_keys!());
pub(super) const KEYS: &str = concat!("DELETE FROM apikeys_keys WHERE id IN ", first_keys!());
pub(super) const SPANS_OF_TOMBSTONES: &str = delete_spans!(first_tombstones!());
pub(super) const TOMBSTONES: &str =
    concat!("DELETE FROM apikeys_tombstones WHERE id IN ", first_tombstones!());

pub(super) const USAGE: &str = "
    DELETE FROM apikeys_usage WHERE hour = ?2 AND org = ?1 AND key IN (
        SELECT key FROM apikeys_usage WHERE hour = ?2 AND org = ?1 LIMIT ?3)";

/// The rows are a range of an index that is named. With `event IN (...)`, statistics from a time when there were
/// few events would make SQLite scan the events of all organizations.
pub(super) const EVENTS: &str = "
    DELETE FROM apikeys_audit INDEXED BY apikeys_audit_by_org WHERE org = ?1 AND id <= (
        SELECT max(id) FROM (
            SELECT id FROM apikeys_audit INDEXED BY apikeys_audit_by_org
            WHERE org = ?1 ORDER BY id LIMIT ?2))";
