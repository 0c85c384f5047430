//! Reads pages of the audit log.

use apikeys_core::{
    Timestamp,
    audit::{Action, AuditEntry},
    id::EventId,
    store::{AuditQuery, Page},
};

use super::{
    pages::{self, one_more},
    read::{Read, Reads},
    rows::Columns,
    spans::{BEYOND_IDS, PROMPT, ids_from, spans_from},
    statements::ReadStatement,
};
use crate::error::Failure;

pub(super) async fn audit(reads: &Reads, query: &AuditQuery) -> Result<Page<AuditEntry, EventId>, Failure> {
    let rows = reads.all(page(query)).await?;
    pages::page("audit events", &rows, query.limit, EventId::from_bytes, |row| {
        Columns::of(row).audit_entry(&query.org).map(Some)
    })
}

/// Returns the statement that reads a page and one more row.
pub(super) fn page(query: &AuditQuery) -> Read {
    let before = query.after.as_ref().map_or(BEYOND_IDS, |event| event.as_bytes());
    let since = query.since.map_or(i64::MIN, Timestamp::as_micros);
    let until = query.until.map_or(i64::MAX, Timestamp::as_micros);
    let end = query.until.map_or_else(|| BEYOND_IDS.to_vec(), |at| ids_from(at.saturating_add(PROMPT)));
    Read::new(statement(query))
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

fn statement(query: &AuditQuery) -> ReadStatement {
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
