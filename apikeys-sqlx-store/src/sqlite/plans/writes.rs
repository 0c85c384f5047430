//! The expected query plans of writes.

use crate::statements::WriteStatement;

/// Returns the lines of the statement's plan that are not a search in an index. A comment says why each line is
/// harmless. The match has no wildcard, so that a new statement must be added here.
pub(super) const fn harmless(statement: WriteStatement) -> &'static [&'static str] {
    use WriteStatement as Write;
    match statement {
        Write::CheckSoon
        | Write::OwnedKey
        | Write::DueWarnings
        | Write::SetNextCheck
        | Write::Event
        | Write::SentWarning
        | Write::SetSentWarning
        | Write::PostponeWarning
        | Write::DeleteWarning
        | Write::LockOrg
        | Write::AddOrg
        | Write::AddKeyToOrg
        | Write::RemoveKeyFromOrg
        | Write::SetPlan
        | Write::DeleteOrg
        | Write::AddForgotten
        | Write::RevisionOfChange
        | Write::LatestRevision
        | Write::AddInstance
        | Write::AppliedByInstance
        | Write::Acknowledge
        | Write::FenceInstance
        | Write::DeleteInstance
        | Write::DeletedKey
        | Write::AddKey
        | Write::AddCounter
        | Write::KeyVersion
        | Write::UpdateKey
        | Write::KeyCreatedAt
        | Write::AddTombstone
        | Write::DeleteCounter
        | Write::DeleteKey
        | Write::AddDeletedUsage
        | Write::AddSecret
        | Write::AddToScheme
        | Write::RemoveFromScheme
        | Write::DeleteSecret
        | Write::DeleteForgottenSecret
        | Write::DeleteSecretsOfKey
        | Write::OpenWriter
        | Write::WriterSequence
        | Write::NextHour
        | Write::PurgeEvents
        | Write::SetForgottenHour
        | Write::DeleteForgotten
        | Write::SetDeletedUsageHour
        | Write::DeleteDeletedUsage => &[],
        // The number of hours is limited, and each next hour is found by the primary key.
        Write::Hours => &["SCAN hours", "SCAN hours"],
        // The same hours, and a filter that contains them.
        Write::DeleteUsageOfKey => &["MATERIALIZE hours", "SCAN hours", "SCAN hours", "CREATE BLOOM FILTER"],
        // The table has one row for each scheme, so its size is the number of peppers.
        Write::RemoveKeyFromSchemes => &["SCAN apikeys_schemes"],
        // The table has one row for each process of the last week.
        Write::DeleteOldWriters => &["SCAN apikeys_writers"],
        // Only the first row is read, in the order of the primary key.
        Write::FirstForgotten => &["SCAN apikeys_forgotten"],
        Write::FirstDeletedUsage => &["SCAN apikeys_deleted_usage"],
        // A statement without a table.
        Write::LockPurge => &["SCAN CONSTANT ROW"],
        // The rows of one piece, and a filter that contains them.
        Write::SchemesOfPurge => &["CREATE BLOOM FILTER", "USE TEMP B-TREE FOR GROUP BY"],
        Write::PurgeSecrets
        | Write::PurgeCounters
        | Write::PurgeWarnings
        | Write::PurgeKeys
        | Write::PurgeTombstones
        | Write::PurgeUsage => &["CREATE BLOOM FILTER"],
    }
}

/// Returns all searches of the statement, with their bounds.
///
/// Statements that only add rows have no search. SQLite rejects an `ON CONFLICT` clause that names columns
/// without a unique index.
pub(super) const fn searches(statement: WriteStatement) -> &'static [&'static str] {
    use WriteStatement as Write;
    const ORG: &str = "apikeys_orgs USING INTEGER PRIMARY KEY (rowid=?)";
    const KEY: &str = "apikeys_keys USING PRIMARY KEY (id=?)";
    const TOMBSTONE: &str = "apikeys_tombstones USING PRIMARY KEY (id=?)";
    const WARNING: &str = "apikeys_warnings USING PRIMARY KEY (key=?)";
    const COUNTER: &str = "apikeys_counters USING PRIMARY KEY (key=?)";
    const WRITER: &str = "apikeys_writers USING PRIMARY KEY (id=?)";
    const FORGOTTEN: &str = "apikeys_forgotten USING INTEGER PRIMARY KEY (rowid=?)";
    const DELETED_USAGE: &str = "apikeys_deleted_usage USING PRIMARY KEY (key=?)";
    const FIRST_KEYS: &str = "apikeys_keys USING COVERING INDEX apikeys_keys_by_org (org=?)";
    const FIRST_TOMBSTONES: &str =
        "apikeys_tombstones USING COVERING INDEX apikeys_tombstones_by_org (org=?)";
    const FIRST_HOUR: &str = "apikeys_usage USING PRIMARY KEY (hour>?)";
    const NEXT_HOUR: &str = "u USING PRIMARY KEY (hour>?)";
    const USAGE: &str = "apikeys_usage USING PRIMARY KEY (hour=? AND org=? AND key=?)";
    match statement {
        Write::AddOrg
        | Write::LockPurge
        | Write::AddForgotten
        | Write::AddKey
        | Write::AddCounter
        | Write::AddDeletedUsage
        | Write::AddSecret
        | Write::AddToScheme
        | Write::OpenWriter
        | Write::DeleteOldWriters
        | Write::CheckSoon
        | Write::FirstForgotten
        | Write::FirstDeletedUsage => &[],
        Write::DueWarnings => &[
            "w USING INDEX apikeys_warnings_by_next_check (next_check<?)",
            "k USING PRIMARY KEY (id=?) LEFT-JOIN",
            "o USING INTEGER PRIMARY KEY (rowid=?)",
            "o USING INTEGER PRIMARY KEY (rowid=?)",
        ],
        Write::OwnedKey => &[KEY, TOMBSTONE],
        Write::Event => &["apikeys_audit USING COVERING INDEX apikeys_audit_by_org (org=? AND id=?)"],
        Write::SetNextCheck
        | Write::SentWarning
        | Write::SetSentWarning
        | Write::PostponeWarning
        | Write::DeleteWarning => &[WARNING],
        Write::PurgeWarnings => &[WARNING, FIRST_KEYS],
        Write::LockOrg => &["apikeys_orgs USING INDEX sqlite_autoindex_apikeys_orgs_1 (id=?)"],
        Write::AddKeyToOrg | Write::RemoveKeyFromOrg | Write::SetPlan | Write::DeleteOrg => &[ORG],
        Write::RevisionOfChange => {
            &["apikeys_changes USING COVERING INDEX sqlite_autoindex_apikeys_changes_1 (change_id=?)"]
        }
        // The highest row number.
        Write::LatestRevision | Write::AddInstance => &["apikeys_changes"],
        Write::AppliedByInstance | Write::Acknowledge | Write::FenceInstance | Write::DeleteInstance => {
            &["apikeys_instances USING PRIMARY KEY (id=?)"]
        }
        Write::DeletedKey => &[TOMBSTONE],
        Write::KeyVersion
        | Write::UpdateKey
        | Write::KeyCreatedAt
        | Write::AddTombstone
        | Write::DeleteKey => &[KEY],
        Write::DeleteCounter => &[COUNTER],
        Write::Hours => &[FIRST_HOUR, NEXT_HOUR],
        Write::DeleteUsageOfKey => &[USAGE, FIRST_HOUR, NEXT_HOUR],
        Write::RemoveFromScheme => &["apikeys_schemes USING PRIMARY KEY (scheme=?)"],
        Write::RemoveKeyFromSchemes => {
            &["s USING COVERING INDEX apikeys_secrets_by_key (key=? AND scheme=?)"]
        }
        Write::DeleteSecret => &["apikeys_secrets USING PRIMARY KEY (scheme=? AND locator=?)"],
        Write::DeleteForgottenSecret => &[
            "apikeys_secrets USING PRIMARY KEY (scheme=? AND locator=?)",
            "k USING PRIMARY KEY (id=?)",
            "f USING INTEGER PRIMARY KEY (rowid=?)",
        ],
        Write::DeleteSecretsOfKey => &["apikeys_secrets USING INDEX apikeys_secrets_by_key (key=?)"],
        Write::WriterSequence => &[WRITER],
        Write::SchemesOfPurge => {
            &["apikeys_secrets USING COVERING INDEX apikeys_secrets_by_key (key=?)", FIRST_KEYS]
        }
        Write::PurgeSecrets => &["apikeys_secrets USING INDEX apikeys_secrets_by_key (key=?)", FIRST_KEYS],
        Write::PurgeCounters => &[COUNTER, FIRST_KEYS],
        Write::PurgeKeys => &[KEY, FIRST_KEYS],
        Write::PurgeTombstones => &[TOMBSTONE, FIRST_TOMBSTONES],
        Write::NextHour => &[FIRST_HOUR],
        Write::PurgeUsage => &[USAGE, "apikeys_usage USING PRIMARY KEY (hour=? AND org=?)"],
        Write::PurgeEvents => &[
            "apikeys_audit USING COVERING INDEX apikeys_audit_by_org (org=? AND id<?)",
            // The ids of one piece.
            "(subquery-1)",
            "apikeys_audit USING COVERING INDEX apikeys_audit_by_org (org=?)",
        ],
        Write::SetForgottenHour | Write::DeleteForgotten => &[FORGOTTEN],
        Write::SetDeletedUsageHour | Write::DeleteDeletedUsage => &[DELETED_USAGE],
    }
}
