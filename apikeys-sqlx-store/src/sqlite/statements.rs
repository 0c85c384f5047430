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
use crate::statements::{ReadStatement, WriteStatement, common};

/// Returns the text of a statement.
pub(super) const fn read(statement: ReadStatement) -> &'static str {
    match statement {
        ReadStatement::FindOne => verification::FIND_ONE,
        ReadStatement::FindEight => verification::FIND_EIGHT,
        ReadStatement::Schemes => common::SCHEMES,
        ReadStatement::Poll => changes::POLL,
        ReadStatement::InstancesBehind => common::INSTANCES_BEHIND,
        ReadStatement::Revision => changes::LATEST_REVISION,
        ReadStatement::Org => common::ORG,
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
        WriteStatement::AddKeyToOrg => common::ADD_KEY_TO_ORG,
        WriteStatement::RemoveKeyFromOrg => common::REMOVE_KEY_FROM_ORG,
        WriteStatement::SetPlan => common::SET_PLAN,
        WriteStatement::DeleteOrg => common::DELETE_ORG,
        WriteStatement::AddForgotten => common::ADD_FORGOTTEN,
        WriteStatement::RevisionOfChange => common::REVISION_OF_CHANGE,
        WriteStatement::LatestRevision => changes::LATEST_REVISION,
        WriteStatement::AddInstance => changes::ADD_INSTANCE,
        WriteStatement::AppliedByInstance => common::APPLIED_BY_INSTANCE,
        WriteStatement::Acknowledge => changes::ACKNOWLEDGE,
        WriteStatement::FenceInstance => common::FENCE_INSTANCE,
        WriteStatement::DeleteInstance => common::DELETE_INSTANCE,
        WriteStatement::DeletedKey => common::DELETED_KEY,
        WriteStatement::AddKey => common::ADD_KEY,
        WriteStatement::AddCounter => common::ADD_COUNTER,
        WriteStatement::KeyVersion => common::KEY_VERSION,
        WriteStatement::UpdateKey => common::UPDATE_KEY,
        WriteStatement::KeyCreatedAt => common::KEY_CREATED_AT,
        WriteStatement::AddTombstone => common::ADD_TOMBSTONE,
        WriteStatement::DeleteCounter => common::DELETE_COUNTER,
        WriteStatement::DeleteKey => common::DELETE_KEY,
        WriteStatement::Hours => usage::HOURS,
        WriteStatement::DeleteUsageOfKey => usage::DELETE_OF_KEY,
        WriteStatement::AddDeletedUsage => common::ADD_DELETED_USAGE,
        WriteStatement::AddSecret => secrets::ADD,
        WriteStatement::AddToScheme => secrets::ADD_TO_SCHEME,
        WriteStatement::RemoveFromScheme => common::REMOVE_FROM_SCHEME,
        WriteStatement::RemoveKeyFromSchemes => secrets::REMOVE_KEY_FROM_SCHEMES,
        WriteStatement::DeleteSecret => common::DELETE_SECRET,
        WriteStatement::DeleteForgottenSecret => secrets::DELETE_FORGOTTEN,
        WriteStatement::DeleteSecretsOfKey => common::DELETE_SECRETS_OF_KEY,
        WriteStatement::OpenWriter => record::OPEN_WRITER,
        WriteStatement::DeleteOldWriters => common::DELETE_OLD_WRITERS,
        WriteStatement::WriterSequence => record::WRITER_SEQUENCE,
        WriteStatement::CheckSoon => warnings::CHECK_SOON,
        WriteStatement::DueWarnings => warnings::DUE,
        WriteStatement::SetNextCheck => common::SET_NEXT_CHECK,
        WriteStatement::OwnedKey => warnings::OWNED_KEY,
        WriteStatement::Event => warnings::EVENT,
        WriteStatement::SentWarning => warnings::SENT,
        WriteStatement::SetSentWarning => common::SET_SENT_WARNING,
        WriteStatement::PostponeWarning => common::POSTPONE_WARNING,
        WriteStatement::DeleteWarning => common::DELETE_WARNING,
        // One transaction writes at a time.
        WriteStatement::LockPurge => "SELECT 1",
        WriteStatement::FirstForgotten => common::FIRST_FORGOTTEN,
        WriteStatement::SchemesOfPurge => purge::SCHEMES,
        WriteStatement::PurgeSecrets => purge::SECRETS,
        WriteStatement::PurgeCounters => purge::COUNTERS,
        WriteStatement::PurgeWarnings => purge::WARNINGS,
        WriteStatement::PurgeKeys => purge::KEYS,
        WriteStatement::PurgeTombstones => purge::TOMBSTONES,
        WriteStatement::NextHour => common::NEXT_HOUR,
        WriteStatement::PurgeUsage => purge::USAGE,
        WriteStatement::SetForgottenHour => common::SET_FORGOTTEN_HOUR,
        WriteStatement::PurgeEvents => purge::EVENTS,
        WriteStatement::DeleteForgotten => common::DELETE_FORGOTTEN,
        WriteStatement::FirstDeletedUsage => common::FIRST_DELETED_USAGE,
        WriteStatement::SetDeletedUsageHour => common::SET_DELETED_USAGE_HOUR,
        WriteStatement::DeleteDeletedUsage => common::DELETE_DELETED_USAGE,
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
