//! Statements on the audit log. The parameters are those of `operations::audit::page`.
//!
//! An event is found in an index, and then read from the table. MySQL reads the organization and the key, which have
//! unique indexes, before it plans the rest, so that it knows the bounds of the index.

use super::columns::select;

/// The columns that `Columns::audit_entry` reads, from `apikeys_audit AS a`, with the key as `k` and the
/// tombstone of a deleted key as `t`.
macro_rules! audit_columns {
    () => {
        "a.id, a.at, a.key, a.action, a.actor, a.method, a.path, a.outcome, a.status, a.latency_us, a.ip, \
         a.user_agent, a.request_id, a.trace_id, a.denial, a.count, a.changes, a.lost, \
         coalesce(k.name, t.name), coalesce(k.display_prefix, t.display_prefix)"
    };
}

/// Reads the events that `$picked` selects, with the names of their keys.
macro_rules! entries {
    ($($picked:expr),*) => {
        concat!(
            select!(),
            audit_columns!(),
            " FROM (",
            $($picked,)*
            ") AS e
             STRAIGHT_JOIN apikeys_audit a ON a.org = e.org AND a.id = e.id
             LEFT JOIN apikeys_keys k ON k.id = a.key AND k.org = a.org
             LEFT JOIN apikeys_tombstones t ON t.id = a.key AND t.org = a.org
             ORDER BY e.id DESC LIMIT ?3"
        )
    };
}

/// Selects the newest events `p` in the order of the index `$index`.
macro_rules! picked {
    ($owner:expr, $table:literal, $index:literal, $condition:expr) => {
        concat!(
            "(SELECT p.org, p.id FROM apikeys_orgs x ",
            $owner,
            " STRAIGHT_JOIN ",
            $table,
            " p FORCE INDEX (",
            $index,
            ") ON p.org = x.num WHERE x.id = ?1 AND ",
            $condition,
            " ORDER BY p.id DESC LIMIT ?3)"
        )
    };
}

/// The key, or its tombstone. If the key never belonged to the organization, [`is_owned`] is false for both.
macro_rules! owner {
    () => {
        "LEFT JOIN apikeys_keys own ON own.id = ?5 AND own.org = x.num
         LEFT JOIN apikeys_tombstones gone ON gone.id = ?5 AND gone.org = x.num"
    };
}

macro_rules! is_owned {
    () => {
        "(own.id IS NOT NULL OR gone.id IS NOT NULL) AND p.key = ?5 AND "
    };
}

macro_rules! has_action {
    () => {
        "(?4 IS NULL OR p.action = ?4) AND "
    };
}

macro_rules! of_org {
    ($condition:expr) => {
        picked!("", "apikeys_audit", "PRIMARY", concat!(has_action!(), $condition))
    };
}

macro_rules! of_key {
    ($condition:expr) => {
        picked!(
            owner!(),
            "apikeys_audit",
            "apikeys_audit_by_key",
            concat!(is_owned!(), has_action!(), $condition)
        )
    };
}

macro_rules! rare_of_org {
    ($condition:expr) => {
        picked!("", "apikeys_audit_rare", "PRIMARY", concat!("p.action = ?4 AND ", $condition))
    };
}

macro_rules! rare_of_key {
    ($condition:expr) => {
        picked!(
            owner!(),
            "apikeys_audit_rare",
            "apikeys_audit_rare_by_key",
            concat!(is_owned!(), "p.action = ?4 AND ", $condition)
        )
    };
}

/// Events in the time range that are not late.
macro_rules! prompt {
    () => {
        "NOT p.late AND p.at >= ?6 AND p.at < ?7 AND p.id >= ?8 AND p.id < ?10"
    };
}

/// Late events in the time range, with any id.
macro_rules! late {
    () => {
        concat!(
            " UNION ALL (SELECT p.org, p.id FROM apikeys_orgs x
                STRAIGHT_JOIN apikeys_audit_late l FORCE INDEX (PRIMARY) ON l.org = x.num
                STRAIGHT_JOIN apikeys_audit p FORCE INDEX (PRIMARY) ON p.org = l.org AND p.id = l.id
                WHERE x.id = ?1 AND l.at >= ?6 AND l.at < ?7 AND l.id < ?2 AND ",
            has_action!(),
            "(?5 IS NULL OR p.key = ?5) ORDER BY l.id DESC LIMIT ?3)"
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
