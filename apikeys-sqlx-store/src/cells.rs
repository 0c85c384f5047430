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

#[cfg(any(feature = "postgres", feature = "sqlite-unlinked"))]
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

/// The columns that MySQL compares are binary, and some of them contain text.
#[cfg(feature = "mysql")]
impl Cells for sqlx::mysql::MySqlRow {
    fn integer(&self, column: usize) -> Result<Option<i64>, Failure> {
        Ok(sqlx::Row::try_get(self, column)?)
    }

    fn boolean(&self, column: usize) -> Result<Option<bool>, Failure> {
        Ok(sqlx::Row::try_get(self, column)?)
    }

    fn text(&self, column: usize) -> Result<Option<&str>, Failure> {
        let text = self.bytes(column)?.map(std::str::from_utf8).transpose();
        text.map_err(|source| {
            sqlx::Error::ColumnDecode { index: column.to_string(), source: source.into() }.into()
        })
    }

    fn bytes(&self, column: usize) -> Result<Option<&[u8]>, Failure> {
        Ok(sqlx::Row::try_get(self, column)?)
    }
}

#[cfg(feature = "postgres")]
cells!(sqlx::postgres::PgRow);
#[cfg(feature = "sqlite-unlinked")]
cells!(sqlx::sqlite::SqliteRow);
