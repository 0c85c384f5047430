//! The error numbers of MySQL, from <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html>, and of
//! MariaDB, from <https://mariadb.com/kb/en/mariadb-error-code-reference/>. The two servers agree on the numbers below
//! 1900.

use sqlx::mysql::MySqlDatabaseError;

use super::Class;

pub(super) fn class(error: &MySqlDatabaseError) -> Class {
    match error.number() {
        // `ER_LOCK_WAIT_TIMEOUT`, `ER_LOCK_DEADLOCK`, `ER_CHECKREAD`
        1205 | 1213 | 1020 => Class::Busy,
        // `ER_BAD_NULL_ERROR`, `ER_DUP_ENTRY`, `ER_NET_PACKET_TOO_LARGE`, `ER_WARN_DATA_OUT_OF_RANGE`, `ER_TRUNCATED_WRONG_VALUE_FOR_FIELD`,
        // `ER_DATA_TOO_LONG`, `ER_DATA_OUT_OF_RANGE`
        1048 | 1062 | 1153 | 1264 | 1366 | 1406 | 1690 => Class::Rejected,
        // MySQL's `ER_CHECK_CONSTRAINT_VIOLATED`, MariaDB's `ER_CONSTRAINT_FAILED`
        3819 | 4025 => Class::Rejected,
        // `ER_SERVER_SHUTDOWN`, `ER_NORMAL_SHUTDOWN`, `ER_ABORTING_CONNECTION`, `ER_NET_READ_ERROR`,
        // `ER_NET_READ_INTERRUPTED`, `ER_NET_ERROR_ON_WRITE`, `ER_NET_WRITE_INTERRUPTED`
        1053 | 1077 | 1152 | 1158..=1161 => Class::Lost,
        // MariaDB's `ER_CONNECTION_KILLED`, MySQL's `ER_SESSION_WAS_KILLED` and `ER_CLIENT_INTERACTION_TIMEOUT`
        1927 | 3169 | 4031 => Class::Lost,
        // `ER_NOT_KEYFILE`, `ER_CRASHED_ON_USAGE`, `ER_CRASHED_ON_REPAIR`, `ER_INDEX_CORRUPT`
        1034 | 1194 | 1195 | 1712 => Class::Corrupt,
        _ => Class::Other,
    }
}

/// Returns the error number and the SQLSTATE.
pub(super) fn code(error: &MySqlDatabaseError) -> String {
    format!("{} ({})", error.number(), error.code().unwrap_or("no SQLSTATE"))
}

/// Returns whether the database stopped the statement at its time limit.
pub(crate) fn is_timed_out(error: &sqlx::Error) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
    // MariaDB's `ER_STATEMENT_TIMEOUT`, MySQL's `ER_QUERY_TIMEOUT`
    error.is_some_and(|error| matches!(error.number(), 1969 | 3024))
}
