use apikeys_core::{
    Timestamp,
    audit::{Action, AuditEntry},
    id::EventId,
    store::{AuditQuery, Page},
};

use super::{
    pages::{self, one_more},
    read::{Read, Reads},
    rows::{Columns, audit_columns},
    spans::{BEYOND_IDS, PROMPT, ids_from, spans_from},
    statements::Statement,
};
use crate::error::Failure;

/// Picks rows, then reads them with the names of their keys. Indexes are named wherever SQLite
/// could choose: statistics from a time when a table was small would make it read all of it. The
/// places:
///
/// - ?1 the organization, ?2 ids before this one, ?3 how many rows, ?4 the action, ?5 the key
/// - ?6 and ?7 the beginning and the end of the time
/// - ?8 the first id that an event of the time can have unless it is late, and ?9 the first span
///   with such ids
/// - ?10 the end of these ids, and at most ?2: with two upper limits, SQLite would begin its walk
///   at one of them and step over everything down to the other
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

/// The key, if it is or was the organization's; otherwise NULL, so that nothing is read for the
/// key of another organization.
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

/// Walks the spans of the key. The plus keeps SQLite from reading each span beyond its ends.
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

/// Rare actions have indexes of their own. The condition on the action repeats that of the index,
/// so that SQLite sees that the index applies.
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

/// Events of the time that are not late.
macro_rules! prompt {
    () => {
        "p.late = 0 AND p.at >= ?6 AND p.at < ?7 AND p.id >= ?8 AND p.id < ?10"
    };
}

/// Late events of the time, whatever their ids.
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

pub(super) async fn audit(reads: &Reads, query: &AuditQuery) -> Result<Page<AuditEntry, EventId>, Failure> {
    let rows = reads.all(page(query)).await?;
    pages::page("audit events", &rows, query.limit, EventId::from_bytes, |row| {
        Columns::of(row).audit_entry(&query.org).map(Some)
    })
}

/// The statement for a page, and one row beyond it.
pub(super) fn page(query: &AuditQuery) -> Read {
    let before = query.after.as_ref().map_or(BEYOND_IDS, |event| event.as_bytes());
    let since = query.since.map_or(i64::MIN, Timestamp::as_micros);
    let until = query.until.map_or(i64::MAX, Timestamp::as_micros);
    let end = query.until.map_or_else(|| BEYOND_IDS.to_vec(), |at| ids_from(at.saturating_add(PROMPT)));
    statement(query)
        .read()
        .bind(query.org.as_str().as_bytes())
        .bind(before)
        .bind(one_more(query.limit))
        .bind(query.action.as_ref().map(Action::as_str))
        .bind(query.key.as_ref().map(|key| key.as_bytes().as_slice()))
        .bind(since)
        .bind(until)
        .bind(query.since.map_or_else(Vec::new, ids_from))
        .bind(query.since.map_or_else(Vec::new, spans_from))
        .bind(before.min(&end))
}

fn statement(query: &AuditQuery) -> Statement {
    let is_rare = query.action.as_ref().is_some_and(|action| *action != Action::Request);
    let has_time = query.since.is_some() || query.until.is_some();
    match (query.key.is_some(), is_rare, has_time) {
        (false, false, false) => Statement::AuditOfOrg,
        (false, false, true) => Statement::AuditOfOrgAndTime,
        (true, false, false) => Statement::AuditOfKey,
        (true, false, true) => Statement::AuditOfKeyAndTime,
        (false, true, false) => Statement::RareOfOrg,
        (false, true, true) => Statement::RareOfOrgAndTime,
        (true, true, false) => Statement::RareOfKey,
        (true, true, true) => Statement::RareOfKeyAndTime,
    }
}
