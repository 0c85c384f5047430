//! Runs reads: on which connections, and for how long.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_lock::SemaphoreGuard;
use sqlx::{
    Arguments as _, Sqlite, SqliteConnection,
    pool::PoolConnection,
    query::Query,
    sqlite::{SqliteArguments, SqlitePool, SqliteRow},
};

use super::statements;
use crate::{
    argument::{Argument, add_arguments},
    error::{Failure, sqlite::is_interrupted},
    session::Reader,
    statements::ReadStatement,
    turns::Turns,
};

/// The longest time that a statement of management can run if other connections remain for verification.
const LIMIT: Duration = Duration::from_secs(2);

/// The longest time that a statement of management can run on the only connection, while verification waits.
const LIMIT_ALONE: Duration = Duration::from_millis(500);

/// The number of steps of SQLite's virtual machine after which the time is checked again. They take about ten
/// microseconds.
const STEPS: i32 = 1_000;

/// The reads of verification, or the reads of management.
#[derive(Clone)]
pub(crate) struct Reads {
    pool: SqlitePool,
    /// Limits the reads on connections that verification also uses.
    turns: Option<Arc<Turns>>,
    /// The longest time that a statement can run. `None` means no limit.
    limit: Option<Duration>,
}

impl Reads {
    /// Reads that are always short. They can use all connections of the pool.
    pub(super) const fn of_verification(pool: SqlitePool) -> Self {
        Self { pool, turns: None, limit: None }
    }

    /// Reads that can be long, depending on the data of an organization. They are stopped at a time limit.
    pub(super) fn of_management(pool: SqlitePool, turns: Option<Arc<Turns>>) -> Self {
        let is_alone = pool.options().get_max_connections() <= 1;
        Self { pool, turns, limit: Some(if is_alone { LIMIT_ALONE } else { LIMIT }) }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    async fn open(
        &self,
        statement: ReadStatement,
        arguments: &[Argument<'_>],
    ) -> Result<(Open<'_>, Prepared), Failure> {
        let mut values = SqliteArguments::default();
        add_arguments!(values, arguments);
        let turn = match &self.turns {
            Some(turns) => Some(turns.take().await),
            None => None,
        };
        let mut connection = self.pool.acquire().await?;
        let query = sqlx::query_with(statements::read(statement), values);
        let Some(limit) = self.limit else {
            return Ok((Open { connection, _turn: turn, _wanted: None }, query));
        };
        let (running, wanted) = watch(&mut connection, limit).await?;
        Ok((Open { connection, _turn: turn, _wanted: Some(wanted) }, query.bind(running)))
    }

    fn failure(&self, error: sqlx::Error) -> Failure {
        match self.limit {
            Some(limit) if is_interrupted(&error) => Failure::Stopped { limit, source: error },
            _ => error.into(),
        }
    }
}

impl Reader for Reads {
    type Row = SqliteRow;

    async fn all(
        &self,
        statement: ReadStatement,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<SqliteRow>, Failure> {
        let (mut open, query) = self.open(statement, arguments).await?;
        let rows = query.fetch_all(&mut *open.connection).await;
        rows.map_err(|error| self.failure(error))
    }

    async fn optional(
        &self,
        statement: ReadStatement,
        arguments: &[Argument<'_>],
    ) -> Result<Option<SqliteRow>, Failure> {
        let (mut open, query) = self.open(statement, arguments).await?;
        let row = query.fetch_optional(&mut *open.connection).await;
        row.map_err(|error| self.failure(error))
    }
}

/// A connection on which a statement runs.
struct Open<'r> {
    connection: PoolConnection<Sqlite>,
    _turn: Option<SemaphoreGuard<'r>>,
    /// Dropped with the future of the read. The progress handler then stops the statement.
    _wanted: Option<Arc<()>>,
}

/// Lets SQLite stop the next statement on the connection. Returns two values, `running` and `wanted`.
///
/// `running` must be bound to the statement. The statement is stopped when it has run for `limit`, or when
/// `wanted` is dropped.
///
/// sqlx runs a statement on a thread of its own, and that thread notices that a future was dropped only when
/// it sends a row. A statement may never have a row. SQLite's progress handler runs on the same thread during
/// the statement, and can stop it.
///
/// The handler stays on the connection, which may belong to the service, and must not stop later statements.
/// sqlx drops the arguments of a statement when the statement has ended. The handler therefore does nothing
/// when `running` has been dropped.
async fn watch(connection: &mut SqliteConnection, limit: Duration) -> Result<(Arc<str>, Arc<()>), Failure> {
    let (running, wanted): (Arc<str>, _) = (Arc::from("running"), Arc::new(()));
    let (is_running, is_wanted) = (Arc::downgrade(&running), Arc::downgrade(&wanted));
    let end = Instant::now() + limit;
    connection.lock_handle().await?.set_progress_handler(STEPS, move || {
        is_running.strong_count() == 0 || (is_wanted.strong_count() > 0 && Instant::now() < end)
    });
    Ok((running, wanted))
}

type Prepared = Query<'static, Sqlite, SqliteArguments>;
