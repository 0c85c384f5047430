//! The store in SQLite, for services on one machine.

mod append;
mod connections;
mod migrate;
#[cfg(test)]
mod plans;
mod read;
mod record;
mod session;
mod spans;
mod statements;
mod transaction;

use std::{fmt, sync::Arc};

use apikeys_core::store::{Batch, RecordOutcome, StoreErrorKind, StoreResult};
use async_lock::Mutex;
use sqlx::sqlite::SqlitePool;

use self::{
    connections::Connections,
    migrate::Migrate,
    read::Reads,
    spans::KnownSpans,
    transaction::{SqliteWork, Writer},
};
use crate::{
    backoff::Backoff,
    error::Failure,
    key_store::key_store,
    operations::record::{RecordAtOnce, RecordWithCare},
    session::{Backend, Work},
};

/// A [`KeyStore`](apikeys_core::KeyStore) in an SQLite database.
///
/// - [`connect`](Self::connect) opens a database that only the store uses, and creates the tables.
/// - [`new`](Self::new) uses a pool of your service. Call [`migrate`](Self::migrate) before the first
///   use. The names of all tables begin with `apikeys_`.
///
/// Cloning is cheap. All clones use the same connections.
///
/// Several processes on one machine can use the same file. SQLite's file locks do not work on network
/// file systems.
///
/// # Durability
///
/// `connect` turns on write-ahead logging (WAL) and sets `synchronous = FULL`. When a write has returned,
/// it is on the disk and survives a crash of the process and a loss of power.
///
/// The setting `synchronous = NORMAL` makes writes faster, because it saves one `fsync` for each
/// transaction. With `NORMAL`, writes also survive a crash of the process, but a loss of power can undo the
/// latest writes. A key that was deleted just before the loss of power could then work again. To use
/// `NORMAL`, open a pool of your own and pass it to `new`.
///
/// Until [`close`](Self::close), the latest writes can be in the file whose name ends with `-wal`. Keep the
/// files that end with `-wal` and `-shm` together with the database, and use SQLite's own backup.
///
/// `new` does not change the settings of the pool, and every journal mode works. Without WAL, readers and
/// writers wait for each other.
///
/// # Connections
///
/// Verifying a request must not wait while keys are listed, or while the audit log or usage is read. If a
/// store has two or more connections, other operations therefore leave at least one for verification:
///
/// | store | connections for verification | for reading lists, audit log and usage | for writes |
/// | --- | --- | --- | --- |
/// | `connect` with a file | 8 | 4 others | 1 other |
/// | `new` with 3 or more connections | all | at most half of them | 1 of them |
/// | `new` with 2 connections | both | 1 of them, shared with writes | 1 of them, shared with reads |
/// | `new` with 1 connection | the connection | the connection | the connection |
/// | `connect` in memory | the only connection | the only connection | the only connection |
///
/// With one connection, a verification waits for at most one other operation. The store does not know how
/// your service uses its pool: if your service keeps the connections for a long time, verification waits.
///
/// The database stops a statement that reads a list, the audit log or usage after 2 seconds, or after half
/// a second if the pool has one connection. The read then fails with a temporary error. If the future of
/// such a read is dropped, the database also stops the statement.
///
/// The store uses SQLite's progress handler to stop statements. The store replaces a progress handler that
/// your service has set on a connection of its pool. The store's handler stays on the connection and does
/// not stop statements of your service.
///
/// # Logs
///
/// By default, sqlx logs the whole text of a statement at the level `DEBUG`, and at the level `WARN` if the
/// statement takes a second or longer. Some statements of this store are about 60 kilobytes long.
/// `connect` turns these logs off. If you use `new`, turn them off with
/// [`disable_statement_logging`](sqlx::ConnectOptions::disable_statement_logging):
///
/// ```no_run
/// use apikeys_sqlx_store::SqliteStore;
/// use sqlx::{ConnectOptions, sqlite::{SqliteConnectOptions, SqlitePool}};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let options = SqliteConnectOptions::new().filename("acme.db").disable_statement_logging();
/// let store = SqliteStore::new(SqlitePool::connect_with(options).await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    verification: Reads,
    management: Reads,
    /// The lock admits one transaction at a time. The lock becomes fair when a task has waited for it,
    /// so that each task can write after a limited time.
    writer: Arc<Mutex<Writer>>,
    spans: Arc<KnownSpans>,
}

impl SqliteStore {
    /// Creates a store that uses `pool`. This function performs no I/O.
    ///
    /// Call [`migrate`](Self::migrate) before the first use. Without the tables, every operation fails.
    ///
    /// A pool for a file should have three or more connections, as
    /// [Connections](Self#connections) explains. A pool for a database in memory must have exactly one
    /// connection and must not close it.
    #[must_use]
    pub fn new(pool: SqlitePool) -> Self {
        Self::over(Connections::of_pool(pool))
    }

    /// Opens the database at `url`, creates it if it is missing, and migrates it.
    ///
    /// `url` is `sqlite:PATH`, or `sqlite::memory:` for a database in memory, which is deleted when the
    /// store is dropped.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid, if the file cannot be opened, if another process locks the
    /// file for several seconds, or if [`migrate`](Self::migrate) fails.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        let connections = Connections::open(url).await.map_err(|failure| failure.during("connect"))?;
        let store = Self::over(connections);
        store.migrate().await?;
        Ok(store)
    }

    /// Creates missing tables and updates the tables of older versions.
    ///
    /// This method can be called any number of times, and by several processes at the same time. It also
    /// succeeds if a newer version of this crate has already updated the tables.
    ///
    /// The table `apikeys_migrations` lists the migrations that ran. The method does not change
    /// `_sqlx_migrations`, where sqlx lists the migrations of your service.
    ///
    /// # Errors
    ///
    /// Returns an error if the database cannot be opened or written, or if it contains other tables with the
    /// same names.
    pub async fn migrate(&self) -> StoreResult<()> {
        self.transact("migrate", &Migrate).await
    }

    /// Waits until running operations have ended, and closes all connections. If no other process uses the
    /// database, SQLite then moves the writes from the `-wal` file to the database.
    ///
    /// If the store was created by [`new`](Self::new), this method closes the pool of your service.
    ///
    /// Do not use the store afterwards. Reads fail with [`StoreErrorKind::Unavailable`]. A
    /// write opens the file again if the store was created by [`connect`](Self::connect).
    ///
    /// # Errors
    ///
    /// Returns an error if SQLite cannot close the file. Writes that have returned are not lost.
    pub async fn close(&self) -> StoreResult<()> {
        let closed = self.writer.lock().await.close().await;
        self.verification.close().await;
        self.management.close().await;
        closed.map_err(|failure| failure.during("close"))
    }

    fn over(connections: Connections) -> Self {
        let Connections { verification, management, writer } = connections;
        Self { verification, management, writer: Arc::new(Mutex::new(writer)), spans: Arc::default() }
    }

    async fn transact<W: SqliteWork>(&self, operation: &'static str, work: &W) -> StoreResult<W::Answer> {
        let mut writer = self.writer.lock().await;
        writer.write(work, &self.spans).await.map_err(|failure| failure.during(operation))
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

key_store!(SqliteStore);

impl Backend for SqliteStore {
    type Reader = Reads;

    fn verification(&self) -> &Reads {
        &self.verification
    }

    fn management(&self) -> &Reads {
        &self.management
    }

    fn renewal(&self) -> &Reads {
        &self.verification
    }

    fn changes(&self) -> &Reads {
        &self.verification
    }

    /// Runs a read, and runs it again while the database is busy. In other journal modes than WAL, a write can
    /// block reads.
    async fn reading<T: Send, F: Future<Output = Result<T, Failure>> + Send>(
        &self,
        operation: &'static str,
        read: impl Fn() -> F + Send + Sync,
    ) -> StoreResult<T> {
        let mut backoff = Backoff::new();
        loop {
            match read().await {
                Err(failure) if failure.is_busy() && backoff.wait().await => {}
                result => return result.map_err(|failure| failure.during(operation)),
            }
        }
    }

    async fn write<W: Work>(&self, operation: &'static str, work: &W) -> StoreResult<W::Answer> {
        self.transact(operation, work).await
    }

    /// SQLite has one writer, whose lock is fair, so another connection would not be faster.
    async fn renew<W: Work>(&self, operation: &'static str, work: &W) -> StoreResult<W::Answer> {
        self.transact(operation, work).await
    }

    async fn record(&self, batch: &Batch) -> StoreResult<RecordOutcome> {
        match self.write("record", &RecordAtOnce(batch)).await {
            Ok(true) => Ok(RecordOutcome::Applied),
            Ok(false) => self.write("record", &RecordWithCare(batch)).await,
            // A batch that was recorded before is also rejected. `RecordWithCare` finds out.
            Err(error) if error.kind() == StoreErrorKind::Rejected => {
                self.write("record", &RecordWithCare(batch)).await
            }
            Err(error) => Err(error),
        }
    }
}
