use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use apikeys_core::{Clock, SystemClock};
use sqlx::{
    Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePool},
};

use super::read::Turns;
use crate::error::Failure;

/// What is done in one write transaction.
pub(super) trait Work: Sync {
    type Answer: Send;

    /// May run more than once; all but the last are rolled back.
    fn run(
        &self,
        connection: &mut SqliteConnection,
    ) -> impl Future<Output = Result<Verdict<Self::Answer>, Failure>> + Send;
}

/// An answer, and what becomes of the transaction.
pub(super) enum Verdict<T> {
    /// It is committed.
    Commit(T),
    /// It is rolled back.
    RollBack(T),
}

/// The way to the database for writes. It is kept in a mutex, which is the queue of the writers
/// of this process: SQLite's own lock is polled, and knows no order.
pub(super) enum Writer {
    /// A connection of its own: its page cache stays valid and its statements prepared.
    Own { options: Box<SqliteConnectOptions>, connection: Option<SqliteConnection> },
    /// Any of a pool's connections, for each transaction anew. Where the pool has few, a
    /// transaction takes one of the turns that reads of management take.
    Pool { pool: SqlitePool, turns: Option<Arc<Turns>> },
}

impl Writer {
    /// Runs `work` in a transaction, again and again while other processes hold the database.
    pub(super) async fn write<W: Work>(&mut self, work: &W) -> Result<W::Answer, Failure> {
        let mut backoff = Backoff::new();
        loop {
            match self.attempt(work).await {
                Err(failure) if failure.is_busy() && backoff.wait().await => {}
                result => return result,
            }
        }
    }

    async fn attempt<W: Work>(&mut self, work: &W) -> Result<W::Answer, Failure> {
        match self {
            Self::Own { options, connection } => {
                let open = match connection.take() {
                    Some(open) => open,
                    None => SqliteConnection::connect_with(options).await?,
                };
                // Put back before anything else can drop this future.
                let open = connection.insert(open);
                let (result, usable) = transact(open, work).await;
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
                let (result, usable) = transact(&mut connection, work).await;
                if !usable {
                    connection.close_on_drop();
                }
                result
            }
        }
    }

    /// Closes the connection, or the host's pool.
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

/// One attempt, and whether the connection can be used again.
async fn transact<W: Work>(
    connection: &mut SqliteConnection,
    work: &W,
) -> (Result<W::Answer, Failure>, bool) {
    let result = run(connection, work).await;
    // On some errors SQLite ends the transaction by itself, and sqlx does not notice: the
    // connection would refuse to begin another one for ever.
    let usable = result.is_ok() || (connection.ping().await.is_ok() && !connection.is_in_transaction());
    (result, usable)
}

async fn run<W: Work>(connection: &mut SqliteConnection, work: &W) -> Result<W::Answer, Failure> {
    // IMMEDIATE takes the write lock at once: a transaction that read first and wanted to write
    // later could only be told to start again.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    match work.run(&mut transaction).await? {
        Verdict::Commit(answer) => {
            transaction.commit().await?;
            Ok(answer)
        }
        Verdict::RollBack(answer) => {
            transaction.rollback().await?;
            Ok(answer)
        }
    }
}

/// Pauses between attempts while the database is busy, up to a limit.
pub(super) struct Backoff {
    began: Instant,
    pause: Duration,
}

impl Backoff {
    const LIMIT: Duration = Duration::from_secs(5);
    const LONGEST_PAUSE: Duration = Duration::from_millis(100);

    pub(super) fn new() -> Self {
        Self { began: Instant::now(), pause: Duration::from_millis(1) }
    }

    /// Waits for the next attempt. Returns `false` at once if the limit is reached.
    pub(super) async fn wait(&mut self) -> bool {
        if self.began.elapsed() >= Self::LIMIT {
            return false;
        }
        SystemClock::new().sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Self::LONGEST_PAUSE);
        true
    }
}
