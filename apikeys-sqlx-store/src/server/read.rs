//! Runs reads: on which connections, and for how long.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{Connection as _, Pool, SqlSafeStr as _, SqlStr};

use super::{Server, lease::Lease};
use crate::{argument::Argument, error::Failure, session::Reader, statements::ReadStatement};

/// How long a read tries other connections while connections are lost.
const PATIENCE: Duration = Duration::from_secs(2);

/// The reads of verification, or the reads of management.
pub(crate) struct Reads<S: Server> {
    pool: Pool<S>,
    texts: Arc<S::Texts>,
    /// Whether the database stops a statement that takes long.
    is_limited: bool,
}

impl<S: Server> Clone for Reads<S> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), texts: Arc::clone(&self.texts), is_limited: self.is_limited }
    }
}

impl<S: Server> Reads<S> {
    /// Reads that are always short.
    pub(crate) const fn of_verification(pool: Pool<S>, texts: Arc<S::Texts>) -> Self {
        Self { pool, texts, is_limited: false }
    }

    /// Reads that can be long, depending on the data of an organization. They are stopped at a time limit.
    pub(crate) const fn of_management(pool: Pool<S>, texts: Arc<S::Texts>) -> Self {
        Self { pool, texts, is_limited: true }
    }

    /// Returns all rows of the statement.
    ///
    /// A connection that was lost, for example because the server was restarted, is replaced. Each connection of the pool
    /// can be such a connection.
    async fn rows(
        &self,
        statement: ReadStatement,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<S::Row>, Failure> {
        let texts: &S::Texts = &self.texts;
        let text = texts.as_ref().read(statement)?;
        let began = Instant::now();
        loop {
            let mut lease = Lease::take(&self.pool).await?;
            let result = self.once(&mut lease, text.sql(), S::arguments(text, arguments)?).await;
            lease.end(&result);
            match result {
                Err(failure) if failure.is_lost() && began.elapsed() < PATIENCE => {}
                result => return result,
            }
        }
    }

    async fn once(
        &self,
        connection: &mut S::Connection,
        sql: SqlStr,
        arguments: S::Arguments,
    ) -> Result<Vec<S::Row>, Failure> {
        let Some(begin) = S::BEGIN_READ.filter(|_| self.is_limited) else {
            return S::rows(connection, sql, arguments).await.map_err(failure::<S>);
        };
        let mut transaction = connection.begin_with(begin.into_sql_str()).await?;
        let rows = S::rows(&mut transaction, sql, arguments).await.map_err(failure::<S>)?;
        transaction.commit().await?;
        Ok(rows)
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

fn failure<S: Server>(source: sqlx::Error) -> Failure {
    if S::is_stopped(&source) { Failure::Stopped { limit: S::LIMIT, source } } else { source.into() }
}

impl<S: Server> Reader for Reads<S> {
    type Row = S::Row;

    async fn all(
        &self,
        statement: ReadStatement,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<S::Row>, Failure> {
        self.rows(statement, arguments).await
    }

    async fn optional(
        &self,
        statement: ReadStatement,
        arguments: &[Argument<'_>],
    ) -> Result<Option<S::Row>, Failure> {
        Ok(self.rows(statement, arguments).await?.into_iter().next())
    }
}
