//! How reads reach the database: on which connections, and for how long.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use apikeys_core::store::StoreResult;
use async_lock::{Mutex, Semaphore, SemaphoreGuard};
use sqlx::{
    Encode, Sqlite, SqliteConnection, Type,
    pool::PoolConnection,
    query::Query,
    sqlite::{SqliteArguments, SqlitePool, SqliteRow},
};

use super::{statements::Statement, write::Backoff};
use crate::error::{Failure, is_interrupted};

/// How long a statement of management may run where other connections remain for verification.
const LIMIT: Duration = Duration::from_secs(2);

/// The same where a single connection serves everything, so that verification waits for it.
const LIMIT_ALONE: Duration = Duration::from_millis(500);

/// Steps of SQLite's virtual machine between two looks at the clock: some ten microseconds.
const STEPS: i32 = 1_000;

/// Reads of one kind: of verification, or of management.
#[derive(Clone)]
pub(super) struct Reads {
    pool: SqlitePool,
    /// Turns at connections that serve others as well.
    turns: Option<Arc<Turns>>,
    /// How long a statement may run. Without a limit, a statement runs to its end.
    limit: Option<Duration>,
}

impl Reads {
    /// Reads that are short by nature, on any of the pool's connections.
    pub(super) const fn of_verification(pool: SqlitePool) -> Self {
        Self { pool, turns: None, limit: None }
    }

    /// Reads whose length depends on what an organization has stored: they end after a limit.
    pub(super) fn of_management(pool: SqlitePool, turns: Option<Arc<Turns>>) -> Self {
        let is_alone = pool.options().get_max_connections() <= 1;
        Self { pool, turns, limit: Some(if is_alone { LIMIT_ALONE } else { LIMIT }) }
    }

    /// The statement's rows.
    pub(super) async fn all(&self, read: Read) -> Result<Vec<SqliteRow>, Failure> {
        let (mut open, query) = self.open(read).await?;
        let rows = query.fetch_all(&mut *open.connection).await;
        rows.map_err(|error| self.failure(error))
    }

    /// The statement's first row, if there is one.
    pub(super) async fn optional(&self, read: Read) -> Result<Option<SqliteRow>, Failure> {
        let (mut open, query) = self.open(read).await?;
        let row = query.fetch_optional(&mut *open.connection).await;
        row.map_err(|error| self.failure(error))
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    async fn open(&self, Read(query): Read) -> Result<(Open<'_>, Prepared), Failure> {
        let turn = match &self.turns {
            Some(turns) => Some(turns.take().await),
            None => None,
        };
        let mut connection = self.pool.acquire().await?;
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

/// A connection while a statement runs on it.
struct Open<'r> {
    connection: PoolConnection<Sqlite>,
    _turn: Option<SemaphoreGuard<'r>>,
    _wanted: Option<Arc<()>>,
}

/// Lets SQLite stop the next statement on the connection when it has run for `limit`, or when
/// what is returned second is dropped. The statement must own what is returned first.
///
/// The worker thread of a connection does not notice that a future was dropped before it has a
/// row to send, which may be never. SQLite's progress handler runs on that thread, in the midst
/// of a statement. It stays on the connection, which may be the host's, and must not touch later
/// statements: sqlx drops the arguments of a statement on that same thread when the statement is
/// over, so the handler stops nothing once the argument is gone.
async fn watch(connection: &mut SqliteConnection, limit: Duration) -> Result<(Arc<str>, Arc<()>), Failure> {
    let (running, wanted): (Arc<str>, _) = (Arc::from("running"), Arc::new(()));
    let (is_running, is_wanted) = (Arc::downgrade(&running), Arc::downgrade(&wanted));
    let end = Instant::now() + limit;
    connection.lock_handle().await?.set_progress_handler(STEPS, move || {
        is_running.strong_count() == 0 || (is_wanted.strong_count() > 0 && Instant::now() < end)
    });
    Ok((running, wanted))
}

/// Turns at the connections of a pool that serves others as well, in the order they were asked
/// for.
#[derive(Debug)]
pub(super) struct Turns {
    /// Held while waiting for a free turn, so that a task that comes back at once cannot overtake
    /// those that wait. The lock itself becomes fair when a task has waited for it.
    door: Mutex<()>,
    free: Semaphore,
}

impl Turns {
    pub(super) fn new(turns: usize) -> Self {
        Self { door: Mutex::new(()), free: Semaphore::new(turns) }
    }

    /// Waits for a turn, which lasts until the guard is dropped.
    pub(super) async fn take(&self) -> SemaphoreGuard<'_> {
        let _door = self.door.lock().await;
        self.free.acquire().await
    }
}

pub(super) type Prepared = Query<'static, Sqlite, SqliteArguments>;

/// A statement with its arguments. Only a [`Statement`] makes one, so that there is no read whose
/// plan is not checked.
pub(super) struct Read(Prepared);

impl Read {
    pub(super) fn bind<'v, V: Encode<'v, Sqlite> + Type<Sqlite>>(self, value: V) -> Self {
        Self(self.0.bind(value))
    }
}

#[cfg(test)]
impl Read {
    pub(super) fn into_query(self) -> Prepared {
        self.0
    }
}

impl Statement {
    /// The statement, still without arguments.
    pub(super) fn read(self) -> Read {
        Read(sqlx::query(self.sql()))
    }
}

/// Runs a read, again and again while the database is busy: outside of WAL mode a writer can keep
/// readers out.
pub(super) async fn reading<T, F, R>(operation: &'static str, read: R) -> StoreResult<T>
where
    R: Fn() -> F,
    F: Future<Output = Result<T, Failure>>,
{
    let mut backoff = Backoff::new();
    loop {
        match read().await {
            Err(failure) if failure.is_busy() && backoff.wait().await => {}
            result => return result.map_err(|failure| failure.during(operation)),
        }
    }
}
