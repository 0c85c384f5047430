use apikeys_core::{
    audit::{Action, AuditEntry},
    id::EventId,
    store::{AuditQuery, Page},
};
use sqlx::sqlite::SqlitePool;

use super::{
    list::one_more,
    rows::{Columns, audit_columns},
    spans::{BEYOND_IDS, PROMPT, ids_from},
};
use crate::error::Failure;

/// Picks rows by index, then reads them with what is known of their keys. The places:
/// ?1 organization, ?2 before this id, ?3 how many, ?4 action, ?5 key, ?6 and ?7 the time,
/// ?8 and ?9 the ids that events of that time can have unless they are late.
macro_rules! entries {
    ($($picked:expr),*) => {
        concat!(
            "SELECT ",
            audit_columns!(),
            " FROM (",
            $($picked,)*
            ") AS picked
             JOIN apikeys_audit a ON a.event = picked.event
             LEFT JOIN apikeys_keys k ON k.id = a.key AND k.org = a.org
             LEFT JOIN apikeys_tombstones t ON t.id = a.key AND t.org = a.org
             ORDER BY a.id DESC LIMIT ?3"
        )
    };
}

macro_rules! of_org {
    ($condition:literal) => {
        concat!(
            "SELECT * FROM (SELECT p.event FROM apikeys_audit p
             WHERE p.org = ?1 AND p.id < ?2 AND (?4 IS NULL OR p.action = ?4)",
            $condition,
            " ORDER BY p.id DESC LIMIT ?3)"
        )
    };
}

/// Walks the spans of the key. The plus keeps SQLite from reading each span from ?2 down.
macro_rules! of_key {
    ($condition:literal) => {
        concat!(
            "SELECT * FROM (SELECT p.event FROM apikeys_audit_spans s
             CROSS JOIN apikeys_audit p ON p.org = ?1 AND p.id BETWEEN s.first AND s.last
             WHERE s.key = ?5 AND s.first < ?2 AND +p.id < ?2 AND p.key = ?5
                AND (?4 IS NULL OR p.action = ?4)",
            $condition,
            " ORDER BY s.first DESC, p.id DESC LIMIT ?3)"
        )
    };
}

/// Late events of the time, whatever their ids; here the pluses lead SQLite to their own index.
macro_rules! late {
    () => {
        " UNION ALL SELECT * FROM (SELECT p.event FROM apikeys_audit p
          WHERE p.org = ?1 AND p.late = 1 AND p.at >= ?6 AND p.at < ?7 AND +p.id < ?2
            AND (?4 IS NULL OR p.action = ?4) AND (?5 IS NULL OR p.key = ?5)
          ORDER BY +p.id DESC LIMIT ?3)"
    };
}

const ORG: &str = entries!(of_org!(""));
const ORG_AND_TIME: &str =
    entries!(of_org!(" AND p.late = 0 AND p.at >= ?6 AND p.at < ?7 AND p.id >= ?8 AND p.id < ?9"), late!());
const KEY: &str = entries!(of_key!(""));
const KEY_AND_TIME: &str = entries!(
    of_key!(
        " AND p.late = 0 AND p.at >= ?6 AND p.at < ?7
          AND s.last >= ?8 AND s.first < ?9 AND +p.id >= ?8 AND +p.id < ?9"
    ),
    late!()
);

/// The condition on the action repeats that of the index, so that SQLite sees that it applies.
const RARE_OF_ORG: &str = entries!(
    "SELECT p.event FROM apikeys_audit p
     WHERE p.org = ?1 AND p.action = ?4 AND p.action <> 'request' AND p.id < ?2
        AND p.at >= ?6 AND p.at < ?7
     ORDER BY p.id DESC LIMIT ?3"
);
const RARE_OF_KEY: &str = entries!(
    "SELECT p.event FROM apikeys_audit p
     WHERE p.key = ?5 AND p.action = ?4 AND p.action <> 'request' AND p.id < ?2
        AND +p.org = ?1 AND p.at >= ?6 AND p.at < ?7
     ORDER BY p.id DESC LIMIT ?3"
);

pub(super) async fn audit(
    pool: &SqlitePool,
    query: &AuditQuery,
) -> Result<Page<AuditEntry, EventId>, Failure> {
    let before = query.after.as_ref().map_or(BEYOND_IDS, |event| event.as_bytes());
    let since = query.since.map_or(i64::MIN, apikeys_core::Timestamp::as_micros);
    let until = query.until.map_or(i64::MAX, apikeys_core::Timestamp::as_micros);
    let first = query.since.map_or_else(Vec::new, ids_from);
    let end = query.until.map_or_else(|| BEYOND_IDS.to_vec(), |at| ids_from(at.saturating_add(PROMPT)));
    let rows = sqlx::query(statement(query))
        .bind(query.org.as_str().as_bytes())
        .bind(before)
        .bind(one_more(query.limit))
        .bind(query.action.as_ref().map(Action::as_str))
        .bind(query.key.as_ref().map(|key| key.as_bytes().as_slice()))
        .bind(since)
        .bind(until)
        .bind(first)
        .bind(end)
        .fetch_all(pool)
        .await?;
    let entries = rows.iter().map(|row| Columns::of(row).audit_entry()).collect::<Result<_, _>>()?;
    Ok(Page::cut(entries, query.limit, |entry: &AuditEntry| entry.event.id))
}

fn statement(query: &AuditQuery) -> &'static str {
    let is_rare = query.action.as_ref().is_some_and(|action| *action != Action::Request);
    let has_time = query.since.is_some() || query.until.is_some();
    match (query.key.is_some(), is_rare, has_time) {
        (false, false, false) => ORG,
        (false, false, true) => ORG_AND_TIME,
        (true, false, false) => KEY,
        (true, false, true) => KEY_AND_TIME,
        (false, true, _) => RARE_OF_ORG,
        (true, true, _) => RARE_OF_KEY,
    }
}
