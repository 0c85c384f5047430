//! SQLite's result codes, from <https://www.sqlite.org/rescode.html>.

use sqlx::{error::DatabaseError as _, sqlite::SqliteError};

use super::Class;

const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const INTERRUPT: i32 = 9;
const CORRUPT: i32 = 11;
const TOOBIG: i32 = 18;
const CONSTRAINT: i32 = 19;
const MISMATCH: i32 = 20;
const NOTADB: i32 = 26;

pub(super) fn class(error: &SqliteError) -> Class {
    match code(error) {
        Some(BUSY | LOCKED) => Class::Busy,
        Some(CONSTRAINT | TOOBIG | MISMATCH) => Class::Rejected,
        Some(CORRUPT | NOTADB) => Class::Corrupt,
        _ => Class::Other,
    }
}

/// Returns whether a progress handler stopped the statement.
pub(crate) fn is_interrupted(error: &sqlx::Error) -> bool {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref());
    error.is_some_and(|error| code(error) == Some(INTERRUPT))
}

/// Returns SQLite's primary result code, which is the lowest byte of an extended result code.
fn code(error: &SqliteError) -> Option<i32> {
    let code: i32 = error.code()?.parse().ok()?;
    Some(code & 0xff)
}
