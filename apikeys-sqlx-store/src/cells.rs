//! Rows of all databases, read alike.

use crate::error::Failure;

/// A row of a result. The columns are numbered from 0, and NULL is `None`.
///
/// Each method fails if the column is missing or has another type.
pub(crate) trait Cells: Sync {
    fn integer(&self, column: usize) -> Result<Option<i64>, Failure>;
    fn boolean(&self, column: usize) -> Result<Option<bool>, Failure>;
    fn text(&self, column: usize) -> Result<Option<&str>, Failure>;
    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, Failure>;
}

macro_rules! cells {
    ($row:ty) => {
        impl Cells for $row {
            fn integer(&self, column: usize) -> Result<Option<i64>, Failure> {
                Ok(sqlx::Row::try_get(self, column)?)
            }

            fn boolean(&self, column: usize) -> Result<Option<bool>, Failure> {
                Ok(sqlx::Row::try_get(self, column)?)
            }

            fn text(&self, column: usize) -> Result<Option<&str>, Failure> {
                Ok(sqlx::Row::try_get(self, column)?)
            }

            fn bytes(&self, column: usize) -> Result<Option<&[u8]>, Failure> {
                Ok(sqlx::Row::try_get(self, column)?)
            }
        }
    };
}

#[cfg(feature = "mysql")]
cells!(sqlx::mysql::MySqlRow);
#[cfg(feature = "postgres")]
cells!(sqlx::postgres::PgRow);
#[cfg(feature = "sqlite")]
cells!(sqlx::sqlite::SqliteRow);
