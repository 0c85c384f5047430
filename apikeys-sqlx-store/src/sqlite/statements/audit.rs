//! Statements on the audit log.

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
///
/// The statements name the indexes, because statistics from a time when a table was small would make SQLite
/// scan the table. The parameters are:
///
/// - ?1: the organization
/// - ?2: an id. The statement returns events with lower ids.
/// - ?3: the number of rows
/// - ?4: the action, or NULL
/// - ?5: the key, or NULL
/// - ?6 and ?7: the beginning and the end of the time range
/// - ?8: the lowest id that an event in the time range can have, unless the event is late
/// - ?9: the first span that contains such ids
/// - ?10: the end of these ids, or ?2 if it is lower. SQLite uses only one upper bound of an index range, so
///   the statement has only one.
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

/// The organization's number.
macro_rules! own_org {
    () => {
        "(SELECT num FROM apikeys_orgs WHERE id = ?1)"
    };
}

/// The id of the key, or NULL if the key never belonged to the organization. No row is then returned.
macro_rules! own_key {
    () => {
        concat!(
            "(SELECT id FROM apikeys_keys WHERE id = ?5 AND org = ",
            own_org!(),
            "
          UNION ALL SELECT id FROM apikeys_tombstones WHERE id = ?5 AND org = ",
            own_org!(),
            ")"
        )
    };
}

macro_rules! of_org {
    ($condition:expr) => {
        concat!(
            "SELECT * FROM (SELECT p.* FROM apikeys_audit p INDEXED BY apikeys_audit_by_org
             WHERE p.org = ",
            own_org!(),
            " AND (?4 IS NULL OR p.action = ?4) AND ",
            $condition,
            " ORDER BY p.id DESC LIMIT ?3)"
        )
    };
}

/// Reads the events in the spans of the key. The plus signs prevent SQLite from using the id conditions as
/// the bounds of the index range instead of the span.
macro_rules! of_key {
    ($condition:expr) => {
        concat!(
            "SELECT * FROM (SELECT p.* FROM apikeys_audit_spans s
             CROSS JOIN apikeys_audit p INDEXED BY apikeys_audit_by_org ON p.org = ",
            own_org!(),
            " AND p.id BETWEEN s.first AND s.last
             WHERE s.key = ",
            own_key!(),
            " AND p.key = ?5 AND (?4 IS NULL OR p.action = ?4) AND ",
            $condition,
            " ORDER BY s.first DESC, p.id DESC LIMIT ?3)"
        )
    };
}

/// Reads events other than requests. Partial indexes contain these events. The statement repeats the
/// condition of the index, so that SQLite can use the index.
macro_rules! rare {
    ($index:literal, $of:expr, $condition:expr) => {
        concat!(
            "SELECT * FROM (SELECT p.* FROM apikeys_audit p INDEXED BY ",
            $index,
            " WHERE ",
            $of,
            " AND p.action = ?4 AND p.action <> 'request' AND ",
            $condition,
            " ORDER BY p.id DESC LIMIT ?3)"
        )
    };
}

macro_rules! rare_of_org {
    ($condition:expr) => {
        rare!("apikeys_audit_by_action", concat!("p.org = ", own_org!()), $condition)
    };
}

macro_rules! rare_of_key {
    ($condition:expr) => {
        rare!(
            "apikeys_audit_by_key_and_action",
            concat!("+p.org = ", own_org!(), " AND p.key = ", own_key!()),
            $condition
        )
    };
}

/// Events in the time range that are not late.
macro_rules! prompt {
    () => {
        "p.late = 0 AND p.at >= ?6 AND p.at < ?7 AND p.id >= ?8 AND p.id < ?10"
    };
}

/// Late events in the time range, with any id.
macro_rules! late {
    () => {
        concat!(
            " UNION ALL SELECT * FROM (SELECT p.* FROM apikeys_audit p INDEXED BY apikeys_audit_late
             WHERE p.org = ",
            own_org!(),
            " AND p.late = 1 AND p.at >= ?6 AND p.at < ?7 AND +p.id < ?2
                AND (?4 IS NULL OR +p.action = ?4) AND (?5 IS NULL OR +p.key = ?5)
             ORDER BY +p.id DESC LIMIT ?3)"
        )
    };
}

pub(super) const ORG: &str = entries!(of_org!("p.id < ?2"));
pub(super) const ORG_AND_TIME: &str = entries!(of_org!(prompt!()), late!());
pub(super) const KEY: &str = entries!(of_key!("s.first < ?2 AND +p.id < ?2"));
pub(super) const KEY_AND_TIME: &str = entries!(
    of_key!(
        "p.late = 0 AND p.at >= ?6 AND p.at < ?7
         AND s.first >= ?9 AND s.first < ?10 AND +p.id >= ?8 AND +p.id < ?10"
    ),
    late!()
);
pub(super) const RARE_OF_ORG: &str = entries!(rare_of_org!("p.id < ?2"));
pub(super) const RARE_OF_ORG_AND_TIME: &str = entries!(rare_of_org!(prompt!()), late!());
pub(super) const RARE_OF_KEY: &str = entries!(rare_of_key!("p.id < ?2"));
pub(super) const RARE_OF_KEY_AND_TIME: &str = entries!(rare_of_key!(prompt!()), late!());
