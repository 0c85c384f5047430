//! How failures of sqlx become [`StoreError`]s.

use std::time::Duration;

use apikeys_core::store::{StoreError, StoreErrorKind};
use sqlx::migrate::MigrateError;

/// Why something failed, before it is said during which operation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The database, or the way to it.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A migration.
    #[error(transparent)]
    Migration(#[from] MigrateError),
    /// What was asked for can never be stored.
    #[error("{0}")]
    Refused(&'static str),
    /// What is stored is not what it should be.
    #[error("the stored {0} cannot be read")]
    Unreadable(&'static str),
    /// The database has a state that it should not have.
    #[error("{0}")]
    Unusable(&'static str),
    /// A read took too long.
    #[error("the read was stopped after {limit:?}")]
    Stopped {
        /// The longest time that the read may take.
        limit: Duration,
        /// The database's error.
        source: sqlx::Error,
    },
    /// A newer kind of change.
    #[error("this version does not know the change")]
    UnknownChange,
}

impl Failure {
    /// The error for a caller of the store. What the database said becomes its source, and
    /// nothing of that its message.
    pub(crate) fn during(self, operation: &'static str) -> StoreError {
        StoreError::new(self.kind(), operation).with_source(self)
    }

    /// Whether somebody else held the database, so that the same may work a moment later.
    pub(crate) fn is_busy(&self) -> bool {
        let Some(error) = self.database() else { return false };
        // The connection was left in a transaction. It has been closed; the next one is new.
        matches!(error, sqlx::Error::InvalidSavePointStatement)
            || matches!(sqlite_code(error), Some(sqlite::BUSY | sqlite::LOCKED))
    }

    fn database(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database(error)
            | Self::Migration(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
                Some(error)
            }
            _ => None,
        }
    }

    pub(crate) fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Database(error) => kind_of(error),
            Self::Migration(error) => match self.database() {
                Some(error) => kind_of(error),
                None if matches!(error, MigrateError::VersionMismatch(_) | MigrateError::Dirty(_)) => {
                    StoreErrorKind::Corrupt
                }
                None => StoreErrorKind::Unavailable,
            },
            Self::Refused(_) => StoreErrorKind::Rejected,
            Self::Unreadable(_) => StoreErrorKind::Corrupt,
            Self::Unusable(_) | Self::Stopped { .. } => StoreErrorKind::Unavailable,
            Self::UnknownChange => StoreErrorKind::Unsupported,
        }
    }
}

fn kind_of(error: &sqlx::Error) -> StoreErrorKind {
    use sqlx::Error;
    match error {
        Error::Database(_) => match sqlite_code(error) {
            Some(sqlite::CONSTRAINT | sqlite::TOOBIG | sqlite::MISMATCH) => StoreErrorKind::Rejected,
            Some(sqlite::CORRUPT | sqlite::NOTADB) => StoreErrorKind::Corrupt,
            _ => StoreErrorKind::Unavailable,
        },
        Error::ColumnDecode { .. }
        | Error::ColumnIndexOutOfBounds { .. }
        | Error::ColumnNotFound(_)
        | Error::Decode(_)
        | Error::RowNotFound
        | Error::TypeNotFound { .. } => StoreErrorKind::Corrupt,
        Error::Configuration(_) | Error::Encode(_) | Error::InvalidArgument(_) => StoreErrorKind::Rejected,
        _ => StoreErrorKind::Unavailable,
    }
}

/// Whether a progress handler stopped the statement.
pub(crate) fn is_interrupted(error: &sqlx::Error) -> bool {
    sqlite_code(error) == Some(sqlite::INTERRUPT)
}

/// SQLite's primary result code; the extended ones keep it in their lowest byte.
fn sqlite_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

/// Result codes, from <https://www.sqlite.org/rescode.html>.
mod sqlite {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const INTERRUPT: i32 = 9;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const TOOBIG: i32 = 18;
    pub(super) const CONSTRAINT: i32 = 19;
    pub(super) const MISMATCH: i32 = 20;
    pub(super) const NOTADB: i32 = 26;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_tell_whether_trying_again_can_help() {
        let kind = |failure: Failure| failure.during("find").kind();
        assert_eq!(kind(sqlx::Error::PoolTimedOut.into()), StoreErrorKind::Unavailable);
        assert_eq!(kind(sqlx::Error::PoolClosed.into()), StoreErrorKind::Unavailable);
        assert_eq!(kind(sqlx::Error::RowNotFound.into()), StoreErrorKind::Corrupt);
        assert_eq!(kind(Failure::Refused("x")), StoreErrorKind::Rejected);
        assert_eq!(kind(Failure::UnknownChange), StoreErrorKind::Unsupported);
        assert_eq!(kind(MigrateError::VersionMismatch(1).into()), StoreErrorKind::Corrupt);
    }

    #[test]
    fn messages_name_the_operation_and_keep_the_rest_as_the_source() {
        let error = Failure::Refused("a key's id is used once").during("commit");
        assert_eq!(error.to_string(), "commit: the store refused it");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "a key's id is used once");
    }
}
