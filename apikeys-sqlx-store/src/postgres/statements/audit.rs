//! Statements on the audit log. The parameters are those of `operations::audit::page`.

use super::columns::own_org;

/// The columns that `Columns::audit_entry` reads, from `apikeys_audit AS a`, with the key as `k` and the
/// tombstone of a deleted key as `t`.
macro_rules! audit_columns {
    () => {
        "a.id, a.at, a.key, a.action, a.actor, a.method, a.path, a.outcome, a.status, a.latency_us, a.ip, \
         a.user_agent, a.request_id, a.trace_id, a.denial, a.count, a.changes, a.lost, \
         coalesce(k.name, t.name), coalesce(k.display_prefix, t.display_prefix)"
    };
}

/// Selects rows, then reads them with the names of their keys.
macro_rules! entries {
    ($($picked:expr),*) => {
        concat!(
            "SELECT ",
            audit_columns!(),
            " FROM (",
            $($picked,)*
            ") AS a
             LEFT JOIN apikeys_keys k ON k.id = a.key AND k.org = a.org
             LEFT JOIN apikeys_tombstones t ON t.id = a.key AND t.org = a.org
             ORDER BY a.id DESC LIMIT ?3"
        )
    };
}

/// The id of the key, or NULL if the key never belonged to the organization. No row is then returned.
macro_rules! own_key {
    () => {
        concat!(
            "(SELECT id FROM apikeys_keys WHERE id = ?5 AND org = ",
            own_org!("?1"),
            "
          UNION ALL SELECT id FROM apikeys_tombstones WHERE id = ?5 AND org = ",
            own_org!("?1"),
            ")"
        )
    };
}

/// Selects events in the order of the primary key.
macro_rules! of_org {
    ($condition:expr) => {
        concat!(
            "SELECT * FROM (SELECT p.* FROM apikeys_audit p WHERE p.org = ",
            own_org!("?1"),
            " AND (?4::text IS NULL OR p.action = ?4) AND ",
            $condition,
            " ORDER BY p.id DESC LIMIT ?3) o"
        )
    };
}

/// Selects events in the order of the index of keys. The addition prevents PostgreSQL from searching the events of the
/// organization instead.
macro_rules! of_key {
    ($condition:expr) => {
        concat!(
            "SELECT * FROM (SELECT p.* FROM apikeys_audit p WHERE p.key = ",
            own_key!(),
            " AND p.org + 0 = ",
            own_org!("?1"),
            " AND (?4::text IS NULL OR p.action = ?4) AND ",
            $condition,
            " ORDER BY p.id DESC LIMIT ?3) o"
        )
    };
}

/// Selects events other than requests. Partial indexes contain these events. The statement repeats the
/// condition of the index, so that PostgreSQL can use the index.
macro_rules! rare {
    ($of:expr, $condition:expr) => {
        concat!(
            "SELECT * FROM (SELECT p.* FROM apikeys_audit p WHERE ",
            $of,
            " AND p.action = ?4 AND p.action <> 'request' AND ",
            $condition,
            " ORDER BY p.id DESC LIMIT ?3) o"
        )
    };
}

macro_rules! rare_of_org {
    ($condition:expr) => {
        rare!(concat!("p.org = ", own_org!("?1")), $condition)
    };
}

macro_rules! rare_of_key {
    ($condition:expr) => {
        rare!(concat!("p.org + 0 = ", own_org!("?1"), " AND p.key = ", own_key!()), $condition)
    };
}

/// Events in the time range that are not late.
macro_rules! prompt {
    () => {
        "NOT p.late AND p.at >= ?6 AND p.at < ?7 AND p.id >= ?8 AND p.id < ?10"
    };
}

/// Late events in the time range, with any id. `substr` prevents PostgreSQL from searching in the order of ids, in which
/// late events are rare.
macro_rules! late {
    () => {
        concat!(
            " UNION ALL SELECT * FROM (SELECT p.* FROM apikeys_audit p WHERE p.org = ",
            own_org!("?1"),
            " AND p.late AND p.at >= ?6 AND p.at < ?7 AND substr(p.id, 1) < ?2
                AND (?4::text IS NULL OR p.action = ?4) AND (?5::bytea IS NULL OR p.key = ?5)
             ORDER BY substr(p.id, 1) DESC LIMIT ?3) l"
        )
    };
}

pub(super) const ORG: &str = entries!(of_org!("p.id < ?2"));
pub(super) const ORG_AND_TIME: &str = entries!(of_org!(prompt!()), late!());
pub(super) const KEY: &str = entries!(of_key!("p.id < ?2"));
pub(super) const KEY_AND_TIME: &str = entries!(of_key!(prompt!()), late!());
pub(super) const RARE_OF_ORG: &str = entries!(rare_of_org!("p.id < ?2"));
pub(super) const RARE_OF_ORG_AND_TIME: &str = entries!(rare_of_org!(prompt!()), late!());
pub(super) const RARE_OF_KEY: &str = entries!(rare_of_key!("p.id < ?2"));
pub(super) const RARE_OF_KEY_AND_TIME: &str = entries!(rare_of_key!(prompt!()), late!());
