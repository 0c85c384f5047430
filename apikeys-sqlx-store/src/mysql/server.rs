//! How MySQL and MariaDB run reads and transactions.

use std::time::Duration;

use sqlx::{
    Arguments as _, MySql, MySqlConnection, SqlStr,
    mysql::{MySqlArguments, MySqlRow},
};

use super::{session::MySqlSession, texts::MySqlTexts};
use crate::{
    argument::{Argument, add_arguments},
    error::{Failure, mysql::is_timed_out},
    server::Server,
    texts::Text,
};

impl Server for MySql {
    type Texts = MySqlTexts;
    type Session<'c> = MySqlSession<'c>;

    /// If the future of a statement is dropped while sqlx prepares the statement, sqlx no longer knows how much of the
    /// answer is still to come. Therefore every connection whose operation was dropped is closed.
    const SUSPECT: Duration = Duration::ZERO;
    const LIMIT: Duration = Duration::from_secs(2);
    /// The time limit is in the texts of the statements.
    const BEGIN_READ: Option<&'static str> = None;
    const BEGIN_WRITE: &'static str =
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION READ WRITE";

    fn session<'c>(connection: &'c mut MySqlConnection, texts: &'c MySqlTexts) -> MySqlSession<'c> {
        MySqlSession::new(connection, texts)
    }

    fn arguments(text: &Text, values: &[Argument<'_>]) -> Result<MySqlArguments, Failure> {
        let mut arguments = MySqlArguments::default();
        add_arguments!(arguments, text.ordered(values)?);
        Ok(arguments)
    }

    async fn rows(
        connection: &mut MySqlConnection,
        sql: SqlStr,
        arguments: MySqlArguments,
    ) -> Result<Vec<MySqlRow>, sqlx::Error> {
        sqlx::query_with(sql, arguments).fetch_all(connection).await
    }

    fn is_stopped(error: &sqlx::Error) -> bool {
        is_timed_out(error)
    }
}
