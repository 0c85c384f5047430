//! How PostgreSQL runs reads and transactions.

use std::time::Duration;

use sqlx::{
    Arguments as _, PgConnection, Postgres, SqlStr,
    postgres::{PgArguments, PgRow},
};

use super::{session::PgSession, texts::PgTexts};
use crate::{
    argument::{Argument, add_arguments},
    error::{Failure, postgres::is_canceled},
    server::Server,
    texts::Text,
};

impl Server for Postgres {
    type Texts = PgTexts;
    type Session<'c> = PgSession<'c>;

    const SUSPECT: Duration = Duration::from_millis(500);
    const LIMIT: Duration = Duration::from_secs(2);
    /// Statistics from a time when a table was small, or when an organization had few events, would make PostgreSQL read a
    /// whole table or index, or sort all events of an organization to return a page. The settings leave only searches in
    /// indexes, one for each row of the page.
    const BEGIN_READ: Option<&'static str> = Some(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout = 2000; \
         SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; \
         SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off",
    );
    /// A transaction does not wait longer for a lock than the engine waits for the store. If its process stops in the
    /// middle, the database ends the transaction before others have waited that long for its locks. Statistics from a time
    /// when a table was small do not make PostgreSQL scan the table.
    const BEGIN_WRITE: &'static str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 4000; \
         SET LOCAL statement_timeout = 10000; SET LOCAL idle_in_transaction_session_timeout = 3000; \
         SET LOCAL enable_seqscan = off";

    fn session<'c>(connection: &'c mut PgConnection, texts: &'c PgTexts) -> PgSession<'c> {
        PgSession::new(connection, texts)
    }

    fn arguments(text: &Text, values: &[Argument<'_>]) -> Result<PgArguments, Failure> {
        let mut arguments = PgArguments::default();
        add_arguments!(arguments, text.ordered(values)?);
        Ok(arguments)
    }

    async fn rows(
        connection: &mut PgConnection,
        sql: SqlStr,
        arguments: PgArguments,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        sqlx::query_with(sql, arguments).fetch_all(connection).await
    }

    fn is_stopped(error: &sqlx::Error) -> bool {
        is_canceled(error)
    }
}
