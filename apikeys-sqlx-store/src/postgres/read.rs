//! Runs reads: on which connections, and for how long.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{
    Connection as _, PgConnection,
    postgres::{PgPool, PgRow},
};

use super::{lease::Lease, session::query, texts::PgTexts};
use crate::{
    argument::Argument,
    error::{Failure, postgres::is_canceled},
    session::Reader,
    statements::ReadStatement,
    texts::Text,
};

/// The longest time that a statement of management can run.
const LIMIT: Duration = Duration::from_secs(2);

/// How long a read tries other connections while connections are lost.
const PATIENCE: Duration = Duration::from_secs(2);

/// Begins a transaction that ends a statement after [`LIMIT`].
///
/// Statistics from a time when a table was small, or when an organization had few events, would make PostgreSQL read a
/// whole table or index, or sort all events of an organization to return a page. The other settings leave only searches
/// in indexes, one for each row of the page.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; \
     SET LOCAL statement_timeout = 2000; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; \
     SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// The reads of verification, or the reads of management.
#[derive(Clone)]
pub(crate) struct Reads {
    pool: PgPool,
    texts: Arc<PgTexts>,
    /// Whether the database stops a statement that takes long.
    is_limited: bool,
}

impl Reads {
    /// Reads that are always short.
    pub(super) const fn of_verification(pool: PgPool, texts: Arc<PgTexts>) -> Self {
        Self { pool, texts, is_limited: false }
    }

    /// Reads that can be long, depending on the data of an organization. They are stopped at a time limit.
    pub(super) const fn of_management(pool: PgPool, texts: Arc<PgTexts>) -> Self {
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
    ) -> Result<Vec<PgRow>, Failure> {
        let text = self.texts.common.read(statement)?;
        let began = Instant::now();
        loop {
            let mut lease = Lease::take(&self.pool).await?;
            let result = self.once(&mut lease, text, arguments).await;
            lease.end(&result);
            match result {
                Err(failure) if failure.is_lost() && began.elapsed() < PATIENCE => {}
                result => return result,
            }
        }
    }

    async fn once(
        &self,
        connection: &mut PgConnection,
        text: &Text,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<PgRow>, Failure> {
        if !self.is_limited {
            return Ok(query(text, arguments)?.fetch_all(connection).await?);
        }
        let mut transaction = connection.begin_with(BEGIN).await?;
        let rows = query(text, arguments)?.fetch_all(&mut *transaction).await;
        let rows = rows.map_err(|source| {
            if is_canceled(&source) { Failure::Stopped { limit: LIMIT, source } } else { source.into() }
        })?;
        transaction.commit().await?;
        Ok(rows)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

impl Reader for Reads {
    type Row = PgRow;

    async fn all(&self, statement: ReadStatement, arguments: &[Argument<'_>]) -> Result<Vec<PgRow>, Failure> {
        self.rows(statement, arguments).await
    }

    async fn optional(
        &self,
        statement: ReadStatement,
        arguments: &[Argument<'_>],
    ) -> Result<Option<PgRow>, Failure> {
        Ok(self.rows(statement, arguments).await?.into_iter().next())
    }
}
