//! Write transactions: on which connection they run, and how often they are attempted.

use std::sync::Arc;

use sqlx::{
    Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePool},
};

use super::{session::SqliteSession, spans::KnownSpans};
use crate::{
    backoff::Backoff,
    error::Failure,
    session::{Verdict, Work},
    turns::Turns,
};

/// The work of one write transaction in SQLite.
pub(super) trait SqliteWork: Sync {
    type Answer: Send;

    /// Runs the statements of the transaction. If the database is busy, this method runs again in a new
    /// transaction.
    fn run(
        &self,
        session: &mut SqliteSession<'_>,
    ) -> impl Future<Output = Result<Verdict<Self::Answer>, Failure>> + Send;
}

impl<W: Work> SqliteWork for W {
    type Answer = W::Answer;

    async fn run(&self, session: &mut SqliteSession<'_>) -> Result<Verdict<W::Answer>, Failure> {
        Work::run(self, session).await
    }
}

/// The connection for writes. The store keeps the `Writer` in a mutex, so that the transactions of this
/// process wait in order. Transactions that wait for SQLite's own lock have no order.
pub(super) enum Writer {
    /// A connection for writes only. The connection keeps its page cache and its prepared statements.
    Own { options: Box<SqliteConnectOptions>, connection: Option<SqliteConnection> },
    /// Each transaction takes a connection of the pool. If the pool has few connections, the transaction
    /// also takes one of the turns of the reads of management.
    Pool { pool: SqlitePool, turns: Option<Arc<Turns>> },
}

impl Writer {
    /// Runs `work` in a transaction. While another process locks the database, the transaction is attempted
    /// again.
    pub(super) async fn write<W: SqliteWork>(
        &mut self,
        work: &W,
        spans: &KnownSpans,
    ) -> Result<W::Answer, Failure> {
        let mut backoff = Backoff::new();
        loop {
            match self.attempt(work, spans).await {
                Err(failure) if failure.is_busy() && backoff.wait().await => {}
                result => return result,
            }
        }
    }

    async fn attempt<W: SqliteWork>(&mut self, work: &W, spans: &KnownSpans) -> Result<W::Answer, Failure> {
        match self {
            Self::Own { options, connection } => {
                let open = match connection.take() {
                    Some(open) => open,
                    None => SqliteConnection::connect_with(options).await?,
                };
                // The connection is put back before the next await, where this future can be dropped.
                let open = connection.insert(open);
                let (result, usable) = transact(open, work, spans).await;
                if !usable {
                    *connection = None;
                }
                result
            }
            Self::Pool { pool, turns } => {
                let _turn = match turns {
                    Some(turns) => Some(turns.take().await),
                    None => None,
                };
                let mut connection = pool.acquire().await?;
                let (result, usable) = transact(&mut connection, work, spans).await;
                if !usable {
                    connection.close_on_drop();
                }
                result
            }
        }
    }

    /// Closes the connection, or the pool of the service.
    pub(super) async fn close(&mut self) -> Result<(), Failure> {
        match self {
            Self::Own { connection, .. } => {
                if let Some(open) = connection.take() {
                    open.close().await?;
                }
            }
            Self::Pool { pool, .. } => pool.close().await,
        }
        Ok(())
    }
}

/// Attempts a transaction. Also returns whether the connection can be used again.
async fn transact<W: SqliteWork>(
    connection: &mut SqliteConnection,
    work: &W,
    spans: &KnownSpans,
) -> (Result<W::Answer, Failure>, bool) {
    let result = run(connection, work, spans).await;
    // Some errors make SQLite end the transaction. sqlx does not notice this, and the connection could
    // then never begin a transaction again.
    let usable = result.is_ok() || (connection.ping().await.is_ok() && !connection.is_in_transaction());
    (result, usable)
}

async fn run<W: SqliteWork>(
    connection: &mut SqliteConnection,
    work: &W,
    spans: &KnownSpans,
) -> Result<W::Answer, Failure> {
    // IMMEDIATE takes the write lock at once. A transaction that reads first can fail when it takes the
    // write lock later.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut session = SqliteSession::new(&mut transaction, spans);
    match work.run(&mut session).await? {
        Verdict::Commit(answer) => {
            let written = session.into_spans();
            transaction.commit().await?;
            spans.stored(&written);
            Ok(answer)
        }
        Verdict::RollBack(answer) => {
            transaction.rollback().await?;
            Ok(answer)
        }
    }
}
