//! What the stores in database servers share: connections of a pool, reads and write transactions.

mod lease;
mod read;
mod transaction;

use std::time::Duration;

use sqlx::{Database, SqlStr};

use crate::{
    argument::Argument,
    cells::Cells,
    error::Failure,
    session::Session,
    texts::{Text, Texts},
};

#[cfg(feature = "postgres")]
pub(crate) use self::lease::Lease;
pub(crate) use self::{read::Reads, transaction::write};

/// A kind of database server.
pub(crate) trait Server: Database<Row: Cells> {
    /// The texts of the statements.
    type Texts: AsRef<Texts> + Send + Sync + 'static;

    /// The connection of a write transaction.
    type Session<'c>: Session;

    /// A connection whose operation was dropped after a longer time is closed.
    const SUSPECT: Duration;

    /// The longest time that a statement of management can run.
    const LIMIT: Duration;

    /// Begins a transaction for a statement of management. `None` if such a statement needs no transaction.
    const BEGIN_READ: Option<&'static str>;

    /// Begins a write transaction.
    const BEGIN_WRITE: &'static str;

    fn session<'c>(connection: &'c mut Self::Connection, texts: &'c Self::Texts) -> Self::Session<'c>;

    /// Returns the arguments of a statement in the order in which its text has them.
    fn arguments(text: &Text, values: &[Argument<'_>]) -> Result<Self::Arguments, Failure>;

    /// Returns all rows of the statement.
    fn rows(
        connection: &mut Self::Connection,
        sql: SqlStr,
        arguments: Self::Arguments,
    ) -> impl Future<Output = Result<Vec<Self::Row>, sqlx::Error>> + Send;

    /// Returns whether the database stopped a statement at its time limit.
    fn is_stopped(error: &sqlx::Error) -> bool;
}
