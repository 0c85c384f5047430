//! Reads pages of the audit log.

use apikeys_core::{
    Timestamp,
    audit::{Action, AuditEntry},
    id::EventId,
    store::{AuditQuery, Page},
};

use crate::{
    argument::{Argument, arguments},
    columns::Columns,
    error::Failure,
    ids::{BEYOND_IDS, PROMPT, SPAN, ids_from},
    pages::{self, one_more},
    session::Reader,
    statements::ReadStatement,
};

pub(crate) async fn audit(
    reader: &impl Reader,
    query: &AuditQuery,
) -> Result<Page<AuditEntry, EventId>, Failure> {
    let rows = reader.all(statement(query), &page(query)).await?;
    pages::page("audit events", &rows, query.limit, EventId::from_bytes, |row| {
        Columns::of(row).audit_entry(&query.org).map(Some)
    })
}

/// Returns the arguments of a statement that reads a page and one more row:
///
/// - ?1: the organization
/// - ?2: an id. The statement returns events with lower ids.
/// - ?3: the number of rows
/// - ?4: the action, or NULL
/// - ?5: the key, or NULL
/// - ?6 and ?7: the beginning and the end of the time range
/// - ?8: the lowest id that an event in the time range can have, unless the event is late
/// - ?9: an id that was made [`SPAN`] before ?8
/// - ?10: the end of these ids, or ?2 if it is lower
pub(crate) fn page(query: &AuditQuery) -> Vec<Argument<'_>> {
    let before = query.after.as_ref().map_or(BEYOND_IDS, |event| event.as_bytes());
    let since = query.since.unwrap_or(Timestamp::MIN);
    let until = query.until.unwrap_or(Timestamp::MAX);
    let end = query.until.map_or_else(|| BEYOND_IDS.to_vec(), |at| ids_from(at.saturating_add(PROMPT)));
    let action = query.action.as_ref().map(Action::as_str);
    arguments![
        &query.org,
        before,
        one_more(query.limit),
        action,
        query.key,
        since,
        until,
        query.since.map_or_else(Vec::new, ids_from),
        query.since.map_or_else(Vec::new, |at| ids_from(at.saturating_sub(SPAN))),
        if before < end.as_slice() { before.to_vec() } else { end },
    ]
    .to_vec()
}

pub(crate) fn statement(query: &AuditQuery) -> ReadStatement {
    let is_rare = query.action.as_ref().is_some_and(|action| *action != Action::Request);
    let has_time = query.since.is_some() || query.until.is_some();
    match (query.key.is_some(), is_rare, has_time) {
        (false, false, false) => ReadStatement::AuditOfOrg,
        (false, false, true) => ReadStatement::AuditOfOrgAndTime,
        (true, false, false) => ReadStatement::AuditOfKey,
        (true, false, true) => ReadStatement::AuditOfKeyAndTime,
        (false, true, false) => ReadStatement::RareOfOrg,
        (false, true, true) => ReadStatement::RareOfOrgAndTime,
        (true, true, false) => ReadStatement::RareOfKey,
        (true, true, true) => ReadStatement::RareOfKeyAndTime,
    }
}
