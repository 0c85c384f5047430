//! Turns errors of sqlx into [`StoreError`]s.

#[cfg(feature = "mysql")]
pub(crate) mod mysql;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite-unlinked")]
pub(crate) mod sqlite;

use std::time::Duration;

use apikeys_core::store::{StoreError, StoreErrorKind};
use sqlx::{error::DatabaseError, migrate::MigrateError};

/// The cause of a [`StoreError`], without the operation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The database failed or cannot be reached.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A migration failed.
    #[error(transparent)]
    Migration(#[from] MigrateError),
    /// The operation can never succeed.
    #[error("{0}")]
    Refused(&'static str),
    /// A stored value is invalid.
    #[error("the stored {0} cannot be read")]
    Unreadable(&'static str),
    /// The database cannot be used.
    #[error("{0}")]
    Unusable(&'static str),
    /// A server rejected a value. The server's own text and details can contain the value, so they are left out.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    #[error("the database rejected a value with the error {0}")]
    RejectedValue(String),
    /// A read was stopped at its time limit.
    #[error("the read took longer than {limit:?} and was stopped")]
    Stopped {
        /// The longest time that the read could take.
        limit: Duration,
        /// The database's error.
        source: sqlx::Error,
    },
    /// The change has a kind that a newer core added.
    #[error("this version of the store does not support this kind of change")]
    UnknownChange,
}

impl Failure {
    /// Returns the error for a caller of the store. The database's error is the source, and its text is not
    /// in the message.
    pub(crate) fn during(self, operation: &'static str) -> StoreError {
        StoreError::new(self.kind(), operation).with_source(self.without_values())
    }

    /// Replaces an error that can contain values of the statement.
    fn without_values(self) -> Self {
        #[cfg(any(feature = "mysql", feature = "postgres"))]
        if let Self::Database(sqlx::Error::Database(error)) = &self
            && class_of(&**error) == Class::Rejected
        {
            #[cfg(feature = "mysql")]
            if let Some(error) = error.try_downcast_ref() {
                return Self::RejectedValue(mysql::code(error));
            }
            #[cfg(feature = "postgres")]
            if let Some(error) = error.try_downcast_ref() {
                return Self::RejectedValue(postgres::code(error));
            }
        }
        self
    }

    /// Returns whether another connection locked the database. The operation can then be attempted again.
    pub(crate) fn is_busy(&self) -> bool {
        let Some(error) = self.database() else { return false };
        // The connection was still in a transaction. It was closed, and the next attempt opens a new one.
        matches!(error, sqlx::Error::InvalidSavePointStatement)
            || error.as_database_error().is_some_and(|error| class_of(error) == Class::Busy)
    }

    /// Returns whether the connection was lost. Another connection may work.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    pub(crate) fn is_lost(&self) -> bool {
        match self.database() {
            Some(sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed) => true,
            Some(sqlx::Error::Database(error)) => class_of(&**error) == Class::Lost,
            _ => false,
        }
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
            #[cfg(any(feature = "mysql", feature = "postgres"))]
            Self::RejectedValue(_) => StoreErrorKind::Rejected,
            Self::Unreadable(_) => StoreErrorKind::Corrupt,
            Self::Unusable(_) | Self::Stopped { .. } => StoreErrorKind::Unavailable,
            Self::UnknownChange => StoreErrorKind::Unsupported,
        }
    }
}

fn kind_of(error: &sqlx::Error) -> StoreErrorKind {
    use sqlx::Error;
    match error {
        Error::Database(error) => match class_of(&**error) {
            Class::Rejected => StoreErrorKind::Rejected,
            Class::Corrupt => StoreErrorKind::Corrupt,
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

/// What an error of a database means, by the rules of that database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// The transaction conflicts with another one, and can be attempted again.
    Busy,
    /// The statement can never succeed with its values.
    Rejected,
    /// The server has closed the connection.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    Lost,
    /// The database or its tables are damaged.
    Corrupt,
    /// The database cannot run the statement now.
    Other,
}

fn class_of(error: &dyn DatabaseError) -> Class {
    #[cfg(feature = "sqlite-unlinked")]
    if let Some(error) = error.try_downcast_ref() {
        return sqlite::class(error);
    }
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref() {
        return mysql::class(error);
    }
    #[cfg(feature = "postgres")]
    if let Some(error) = error.try_downcast_ref() {
        return postgres::class(error);
    }
    let _ = error;
    Class::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_of_each_failure_says_whether_repeating_can_help() {
        let kind = |failure: Failure| failure.during("find").kind();
        assert_eq!(kind(sqlx::Error::PoolTimedOut.into()), StoreErrorKind::Unavailable);
        assert_eq!(kind(sqlx::Error::PoolClosed.into()), StoreErrorKind::Unavailable);
        assert_eq!(kind(sqlx::Error::RowNotFound.into()), StoreErrorKind::Corrupt);
        assert_eq!(kind(Failure::Refused("x")), StoreErrorKind::Rejected);
        assert_eq!(kind(Failure::UnknownChange), StoreErrorKind::Unsupported);
        assert_eq!(kind(MigrateError::VersionMismatch(1).into()), StoreErrorKind::Corrupt);
    }

    #[test]
    fn during_operation_is_in_the_message_and_the_failure_is_the_source() {
        let error = Failure::Refused("the id is in use").during("commit");
        assert_eq!(error.to_string(), "the store rejected the operation `commit`");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the id is in use");
    }
}
