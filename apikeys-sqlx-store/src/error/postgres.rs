//! PostgreSQL's error codes, from <https://www.postgresql.org/docs/current/errcodes-appendix.html>. The first two
//! characters of a code are its class.

use sqlx::postgres::PgDatabaseError;

use super::Class;

pub(super) fn class(error: &PgDatabaseError) -> Class {
    match error.code() {
        // serialization_failure, deadlock_detected, lock_not_available
        "40001" | "40P01" | "55P03" => Class::Busy,
        // admin_shutdown, crash_shutdown, cannot_connect_now, idle_session_timeout,
        // idle_in_transaction_session_timeout
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Class::Lost,
        // data_corrupted, index_corrupted
        "XX001" | "XX002" => Class::Corrupt,
        // cardinality_violation, program_limit_exceeded
        "21000" | "54000" => Class::Rejected,
        code => match code.get(..2) {
            // connection exceptions
            Some("08") => Class::Lost,
            // data exceptions, integrity constraint violations
            Some("22" | "23") => Class::Rejected,
            _ => Class::Other,
        },
    }
}

/// Returns the error code, and the constraint that the value violates.
pub(super) fn code(error: &PgDatabaseError) -> String {
    match error.constraint() {
        Some(constraint) => format!("{} (constraint {constraint})", error.code()),
        None => error.code().to_owned(),
    }
}

/// Returns whether the database stopped the statement at its time limit.
pub(crate) fn is_canceled(error: &sqlx::Error) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    error.is_some_and(|error| error.code() == "57014")
}
