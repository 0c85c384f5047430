//! The SQL of all statements on tables of the store in SQLite. The tests in `plans` check the query plan of each of
//! them.

mod append;
mod audit;
mod changes;
mod columns;
mod keys;
mod orgs;
mod purge;
mod record;
mod secrets;
mod usage;
mod verification;
mod warnings;

use sqlx::{Sqlite, query::Query, sqlite::SqliteArguments};

pub(super) use self::append::MOST_ROWS;
use crate::statements::{ReadStatement, WriteStatement};

/// Returns the text of a statement.
pub(super) const fn read(statement: ReadStatement) -> &'static str {
    match statement {
        ReadStatement::FindOne => verification::FIND_ONE,
        ReadStatement::FindEight => verification::FIND_EIGHT,
        ReadStatement::Schemes => verification::SCHEMES,
        ReadStatement::Org => orgs::ORG,
        ReadStatement::Key => keys::KEY,
        ReadStatement::KeysOfOrg => keys::KEYS_OF_ORG,
        ReadStatement::KeysOfAll => keys::KEYS_OF_ALL,
        ReadStatement::Usage => usage::USAGE,
        ReadStatement::AuditOfOrg => audit::ORG,
        ReadStatement::AuditOfOrgAndTime => audit::ORG_AND_TIME,
        ReadStatement::AuditOfKey => audit::KEY,
        ReadStatement::AuditOfKeyAndTime => audit::KEY_AND_TIME,
        ReadStatement::RareOfOrg => audit::RARE_OF_ORG,
        ReadStatement::RareOfOrgAndTime => audit::RARE_OF_ORG_AND_TIME,
        ReadStatement::RareOfKey => audit::RARE_OF_KEY,
        ReadStatement::RareOfKeyAndTime => audit::RARE_OF_KEY_AND_TIME,
    }
}

/// Returns the text of a statement.
pub(super) const fn write(statement: WriteStatement) -> &'static str {
    match statement {
        WriteStatement::LockOrg => orgs::LOCK,
        WriteStatement::AddOrg => orgs::ADD,
        WriteStatement::AddKeyToOrg => orgs::ADD_KEY,
        WriteStatement::RemoveKeyFromOrg => orgs::REMOVE_KEY,
        WriteStatement::SetPlan => orgs::SET_PLAN,
        WriteStatement::DeleteOrg => orgs::DELETE,
        WriteStatement::AddForgotten => orgs::ADD_FORGOTTEN,
        WriteStatement::RevisionOfChange => changes::REVISION_OF_CHANGE,
        WriteStatement::LatestRevision => changes::LATEST_REVISION,
        WriteStatement::DeletedKey => keys::DELETED,
        WriteStatement::AddKey => keys::ADD,
        WriteStatement::AddCounter => keys::ADD_COUNTER,
        WriteStatement::KeyVersion => keys::VERSION,
        WriteStatement::UpdateKey => keys::UPDATE,
        WriteStatement::KeyCreatedAt => keys::CREATED_AT,
        WriteStatement::AddTombstone => keys::ADD_TOMBSTONE,
        WriteStatement::DeleteCounter => keys::DELETE_COUNTER,
        WriteStatement::DeleteKey => keys::DELETE,
        WriteStatement::Hours => usage::HOURS,
        WriteStatement::DeleteUsageOfKey => usage::DELETE_OF_KEY,
        WriteStatement::AddDeletedUsage => usage::ADD_DELETED,
        WriteStatement::AddSecret => secrets::ADD,
        WriteStatement::AddToScheme => secrets::ADD_TO_SCHEME,
        WriteStatement::RemoveFromScheme => secrets::REMOVE_FROM_SCHEME,
        WriteStatement::RemoveKeyFromSchemes => secrets::REMOVE_KEY_FROM_SCHEMES,
        WriteStatement::DeleteSecret => secrets::DELETE,
        WriteStatement::DeleteForgottenSecret => secrets::DELETE_FORGOTTEN,
        WriteStatement::DeleteSecretsOfKey => secrets::DELETE_OF_KEY,
        WriteStatement::OpenWriter => record::OPEN_WRITER,
        WriteStatement::DeleteOldWriters => record::DELETE_OLD_WRITERS,
        WriteStatement::WriterSequence => record::WRITER_SEQUENCE,
        WriteStatement::CheckSoon => warnings::CHECK_SOON,
        WriteStatement::DueWarnings => warnings::DUE,
        WriteStatement::SetNextCheck => warnings::SET_NEXT_CHECK,
        WriteStatement::OwnedKey => warnings::OWNED_KEY,
        WriteStatement::Event => warnings::EVENT,
        WriteStatement::SentWarning => warnings::SENT,
        WriteStatement::SetSentWarning => warnings::SET_SENT,
        WriteStatement::PostponeWarning => warnings::POSTPONE,
        WriteStatement::DeleteWarning => warnings::DELETE,
        // One transaction writes at a time.
        WriteStatement::LockPurge => "SELECT 1",
        WriteStatement::FirstForgotten => purge::FIRST_FORGOTTEN,
        WriteStatement::SchemesOfPurge => purge::SCHEMES,
        WriteStatement::PurgeSecrets => purge::SECRETS,
        WriteStatement::PurgeCounters => purge::COUNTERS,
        WriteStatement::PurgeWarnings => purge::WARNINGS,
        WriteStatement::PurgeKeys => purge::KEYS,
        WriteStatement::PurgeTombstones => purge::TOMBSTONES,
        WriteStatement::NextHour => purge::NEXT_HOUR,
        WriteStatement::PurgeUsage => purge::USAGE,
        WriteStatement::SetForgottenHour => purge::SET_FORGOTTEN_HOUR,
        WriteStatement::PurgeEvents => purge::EVENTS,
        WriteStatement::DeleteForgotten => purge::DELETE_FORGOTTEN,
        WriteStatement::FirstDeletedUsage => purge::FIRST_DELETED_USAGE,
        WriteStatement::SetDeletedUsageHour => purge::SET_DELETED_USAGE_HOUR,
        WriteStatement::DeleteDeletedUsage => purge::DELETE_DELETED_USAGE,
    }
}

macro_rules! bulk {
    ($($name:ident = $sql:expr,)*) => {
        /// A statement that only SQLite has, most of them for many rows at once.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum BulkStatement {
            $($name,)*
        }

        impl BulkStatement {
            /// All statements of this enum.
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the text of the statement.
            pub(super) const fn sql(self) -> &'static str {
                match self {
                    $(Self::$name => $sql,)*
                }
            }
        }
    };
}

bulk! {
    OrgNumbers = orgs::NUMBERS,
    DeleteOldChange = changes::DELETE_OLD,
    AddChange = changes::ADD,
    KnownKeys = record::KNOWN_KEYS,
    Record1 = record::RECORD_1,
    Record16 = record::RECORD_16,
    Record128 = record::RECORD_128,
    Record1024 = record::RECORD_1024,
    Append1 = append::APPEND_1,
    Append16 = append::APPEND_16,
    Append128 = append::APPEND_128,
    Append1024 = append::APPEND_1024,
    AddSpans = append::ADD_SPANS,
    PurgeSpansOfKeys = purge::SPANS_OF_KEYS,
    PurgeSpansOfTombstones = purge::SPANS_OF_TOMBSTONES,
}

impl BulkStatement {
    /// Returns the statement with arguments.
    pub(super) fn query_with<'q>(self, arguments: SqliteArguments) -> Query<'q, Sqlite, SqliteArguments> {
        sqlx::query_with(self.sql(), arguments)
    }

    /// Returns the shortest statement that adds `rows` audit events, at most [`MOST_ROWS`].
    pub(super) const fn append(rows: usize) -> Self {
        match rows {
            0..=1 => Self::Append1,
            2..=16 => Self::Append16,
            17..=128 => Self::Append128,
            _ => Self::Append1024,
        }
    }

    /// Returns the shortest statement that records a batch whose first `rows` audit events it adds, at most
    /// [`MOST_ROWS`].
    pub(super) const fn record(rows: usize) -> Self {
        match rows {
            0..=1 => Self::Record1,
            2..=16 => Self::Record16,
            17..=128 => Self::Record128,
            _ => Self::Record1024,
        }
    }
}
