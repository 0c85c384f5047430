//! The SQL of all statements on tables of the store.
//!
//! Reads run only a [`ReadStatement`], and writes only a [`WriteStatement`]. The tests in `plans` check the
//! query plan of each of them.

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

macro_rules! statements {
    ($(#[$doc:meta])* $enum:ident { $($name:ident = $sql:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum $enum {
            $($name,)*
        }

        impl $enum {
            /// All statements of this enum.
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the text of the statement.
            pub(super) const fn sql(self) -> &'static str {
                match self {
                    $(Self::$name => $sql,)*
                }
            }

            /// Returns the statement without arguments.
            pub(super) fn query<'q>(self) -> Query<'q, Sqlite, SqliteArguments> {
                sqlx::query(self.sql())
            }
        }
    };
}

statements! {
    /// A statement that reads on a connection that is not the writer's.
    ReadStatement {
        FindOne = verification::FIND_ONE,
        FindEight = verification::FIND_EIGHT,
        Schemes = verification::SCHEMES,
        Org = orgs::ORG,
        Key = keys::KEY,
        KeysOfOrg = keys::KEYS_OF_ORG,
        KeysOfAll = keys::KEYS_OF_ALL,
        Usage = usage::USAGE,
        AuditOfOrg = audit::ORG,
        AuditOfOrgAndTime = audit::ORG_AND_TIME,
        AuditOfKey = audit::KEY,
        AuditOfKeyAndTime = audit::KEY_AND_TIME,
        RareOfOrg = audit::RARE_OF_ORG,
        RareOfOrgAndTime = audit::RARE_OF_ORG_AND_TIME,
        RareOfKey = audit::RARE_OF_KEY,
        RareOfKeyAndTime = audit::RARE_OF_KEY_AND_TIME,
    }
}

statements! {
    /// A statement of a write transaction.
    WriteStatement {
        OrgNumbers = orgs::NUMBERS,
        OrgState = orgs::STATE,
        AddOrg = orgs::ADD,
        AddKeyToOrg = orgs::ADD_KEY,
        RemoveKeyFromOrg = orgs::REMOVE_KEY,
        SetPlan = orgs::SET_PLAN,
        DeleteOrg = orgs::DELETE,
        AddForgotten = orgs::ADD_FORGOTTEN,

        RevisionOfChange = changes::REVISION_OF_CHANGE,
        LatestRevision = changes::LATEST_REVISION,
        DeleteOldChange = changes::DELETE_OLD,
        AddChange = changes::ADD,

        DeletedKey = keys::DELETED,
        AddKey = keys::ADD,
        AddCounter = keys::ADD_COUNTER,
        KeyVersion = keys::VERSION,
        UpdateKey = keys::UPDATE,
        KeyCreatedAt = keys::CREATED_AT,
        AddTombstone = keys::ADD_TOMBSTONE,
        DeleteCounter = keys::DELETE_COUNTER,
        DeleteKey = keys::DELETE,

        Hours = usage::HOURS,
        DeleteUsageOfKey = usage::DELETE_OF_KEY,
        AddDeletedUsage = usage::ADD_DELETED,

        AddSecret = secrets::ADD,
        AddToScheme = secrets::ADD_TO_SCHEME,
        RemoveFromScheme = secrets::REMOVE_FROM_SCHEME,
        RemoveKeyFromSchemes = secrets::REMOVE_KEY_FROM_SCHEMES,
        DeleteSecret = secrets::DELETE,
        DeleteForgottenSecret = secrets::DELETE_FORGOTTEN,
        DeleteSecretsOfKey = secrets::DELETE_OF_KEY,

        OpenWriter = record::OPEN_WRITER,
        DeleteOldWriters = record::DELETE_OLD_WRITERS,
        WriterSequence = record::WRITER_SEQUENCE,
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

        CheckSoon = warnings::CHECK_SOON,
        DueWarnings = warnings::DUE,
        SetNextCheck = warnings::SET_NEXT_CHECK,
        OwnedKey = warnings::OWNED_KEY,
        Event = warnings::EVENT,
        SentWarning = warnings::SENT,
        SetSentWarning = warnings::SET_SENT,
        PostponeWarning = warnings::POSTPONE,
        DeleteWarning = warnings::DELETE,

        FirstForgotten = purge::FIRST_FORGOTTEN,
        PurgeSecrets = purge::SECRETS,
        PurgeSpansOfKeys = purge::SPANS_OF_KEYS,
        PurgeCounters = purge::COUNTERS,
        PurgeWarnings = purge::WARNINGS,
        PurgeKeys = purge::KEYS,
        PurgeSpansOfTombstones = purge::SPANS_OF_TOMBSTONES,
        PurgeTombstones = purge::TOMBSTONES,
        NextHour = purge::NEXT_HOUR,
        PurgeUsage = purge::USAGE,
        SetForgottenHour = purge::SET_FORGOTTEN_HOUR,
        PurgeEvents = purge::EVENTS,
        DeleteForgotten = purge::DELETE_FORGOTTEN,
        FirstDeletedUsage = purge::FIRST_DELETED_USAGE,
        SetDeletedUsageHour = purge::SET_DELETED_USAGE_HOUR,
        DeleteDeletedUsage = purge::DELETE_DELETED_USAGE,
    }
}

impl WriteStatement {
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
