//! The expected query plans of the statements that only SQLite has.

use crate::sqlite::statements::BulkStatement;

/// Returns the lines of the statement's plan that are not a search in an index. A comment says why each line is
/// harmless. The match has no wildcard, so that a new statement must be added here.
pub(super) const fn harmless(statement: BulkStatement) -> &'static [&'static str] {
    use BulkStatement as Bulk;
    match statement {
        Bulk::DeleteOldChange | Bulk::AddChange | Bulk::Append16 | Bulk::Append128 | Bulk::Append1024 => &[],
        // The organizations of one batch or change.
        Bulk::OrgNumbers => &["SCAN j VIRTUAL TABLE INDEX 1:"],
        // The keys of one batch.
        Bulk::KnownKeys => &["SCAN CONSTANT ROW", "SCAN places", "SCAN places"],
        // The keys and the hours of one batch, and its only event.
        Bulk::Record1 => &[
            "SCAN json_each VIRTUAL TABLE INDEX 1:",
            "SCAN json_each VIRTUAL TABLE INDEX 1:",
            "SCAN CONSTANT ROW",
        ],
        // The keys and the hours of one batch.
        Bulk::Record16 | Bulk::Record128 | Bulk::Record1024 => {
            &["SCAN json_each VIRTUAL TABLE INDEX 1:", "SCAN json_each VIRTUAL TABLE INDEX 1:"]
        }
        // The only event.
        Bulk::Append1 => &["SCAN CONSTANT ROW"],
        // The spans of one batch or change.
        Bulk::AddSpans => &["SCAN CONSTANT ROW", "SCAN places", "SCAN places"],
        // The rows of one piece, and a filter that contains them.
        Bulk::PurgeSpansOfKeys | Bulk::PurgeSpansOfTombstones => &["SCAN k", "CREATE BLOOM FILTER"],
    }
}

/// Returns all searches of the statement, with their bounds.
///
/// Statements that only add rows have no search. SQLite rejects an `ON CONFLICT` clause that names columns
/// without a unique index.
pub(super) const fn searches(statement: BulkStatement) -> &'static [&'static str] {
    use BulkStatement as Bulk;
    const WRITER: &str = "apikeys_writers USING PRIMARY KEY (id=?)";
    const FIRST_KEYS: &str = "apikeys_keys USING COVERING INDEX apikeys_keys_by_org (org=?)";
    const FIRST_TOMBSTONES: &str =
        "apikeys_tombstones USING COVERING INDEX apikeys_tombstones_by_org (org=?)";
    const SPAN: &str = "apikeys_audit_spans USING PRIMARY KEY (key=? AND first=?)";
    const SPANS: &str = "s USING PRIMARY KEY (key=?)";
    match statement {
        Bulk::AddChange
        | Bulk::Append1
        | Bulk::Append16
        | Bulk::Append128
        | Bulk::Append1024
        | Bulk::AddSpans => &[],
        Bulk::OrgNumbers => &["o USING COVERING INDEX sqlite_autoindex_apikeys_orgs_1 (id=?)"],
        Bulk::DeleteOldChange => {
            &["apikeys_changes USING INTEGER PRIMARY KEY (rowid=?)", "SEARCH apikeys_changes"]
        }
        Bulk::KnownKeys => &["k USING PRIMARY KEY (id=?) LEFT-JOIN", "t USING PRIMARY KEY (id=?) LEFT-JOIN"],
        Bulk::Record1 | Bulk::Record16 | Bulk::Record128 | Bulk::Record1024 => {
            &[WRITER, "c USING PRIMARY KEY (key=?)"]
        }
        Bulk::PurgeSpansOfKeys => &[SPAN, FIRST_KEYS, SPANS],
        Bulk::PurgeSpansOfTombstones => &[SPAN, FIRST_TOMBSTONES, SPANS],
    }
}
