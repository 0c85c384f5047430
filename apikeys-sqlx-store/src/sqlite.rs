//! SQLite: the embedded store, for a service on one machine.

#[macro_use]
mod append_statements;

mod append;
mod commit;
mod connect;
mod find;
mod list;
mod log;
mod migrate;
mod orgs;
mod pages;
#[cfg(test)]
mod plans;
mod purge;
mod read;
mod record;
mod rows;
mod secrets;
mod spans;
mod statements;
mod write;

use std::{fmt, sync::Arc};

use apikeys_core::{
    KeyId, OrgId,
    audit::AuditEntry,
    id::{EventId, WriterId},
    key::KeyView,
    store::{
        AuditQuery, Batch, Change, Committed, Found, KeyQuery, KeyStore, OrgRow, Page, Purged, Recorded,
        StoreErrorKind, StoreResult, UsagePoint, UsageQuery,
    },
    token::{Locator, Scheme},
};
use async_lock::Mutex;
use async_trait::async_trait;
use sqlx::sqlite::SqlitePool;

use self::{
    commit::Commit,
    connect::Connections,
    migrate::Migrate,
    purge::Purge,
    read::{Reads, reading},
    record::{OpenWriter, RecordAtOnce, RecordWithCare},
    spans::KnownSpans,
    write::{Work, Writer},
};

/// A [`KeyStore`] in an SQLite database. Cloning is cheap; clones share everything.
///
/// - [`connect`](Self::connect) opens a database of the store's own, sets it up for this use, and
///   migrates it.
/// - [`new`](Self::new) takes a pool that the host has already; call [`migrate`](Self::migrate)
///   before the first use. The names of all tables begin with `apikeys_`, so that the tables can
///   live beside the host's.
///
/// Several processes on one machine may use one file. SQLite's locks do not work on network file
/// systems.
///
/// # Durability
///
/// With `connect`, write-ahead logging is on and `synchronous` is `FULL`: a write that was
/// answered survives the end of the process and the loss of power. `NORMAL` would save one `fsync`
/// for each transaction and also survive a `kill -9`; but after a loss of power, a key whose
/// deletion was answered could work again. To choose `NORMAL`, use a pool of your own.
///
/// The files `…-wal` and `…-shm` belong to the database: until [`close`](Self::close), the first
/// of them may hold the latest writes. Keep the files together, and use SQLite's own backup.
///
/// With `new`, the settings of the pool apply and are not changed. Any journal mode works; without
/// write-ahead logging, readers and writers wait for each other.
///
/// # Connections
///
/// Listing keys, reading the audit log and reading usage must not delay verification. Verification
/// therefore has connections that other operations cannot take:
///
/// | | verification | lists, audit, usage | writes |
/// | --- | --- | --- | --- |
/// | `connect` with a file | 8 of its own | 4 of their own | 1 of their own |
/// | `new` with 3 connections or more | all | at most half, and 2 fewer than all | 1 |
/// | `new` with 2 connections | both | 1, together with writes | 1, together with reads |
/// | 1 connection, or `connect` in memory | the one | the one, together with writes | the one |
///
/// With one connection, a verification waits for one other operation at most. The store does not
/// know what else the host uses its pool for: a pool whose connections the host holds for long
/// delays verification.
///
/// A list, an audit page or usage is read for 2 seconds at most, or half a second where there is
/// one connection. A read that takes longer fails with a temporary error; a read whose future is
/// dropped ends soon after that. The database itself stops both. The store uses SQLite's
/// progress handler for this and leaves it on the connections of a host's pool, where it has no
/// effect on other statements; a progress handler that the host had set there is replaced.
///
/// # Logs
///
/// With `connect`, sqlx logs no statements. By default, sqlx logs the whole text of a statement
/// that takes a second or longer at the level `WARN`, and of every statement at `DEBUG`; the store's
/// longest statements have some 60 kilobytes. For a pool of your own, turn this off with
/// [`log_slow_statements`](sqlx::ConnectOptions::log_slow_statements) and
/// [`log_statements`](sqlx::ConnectOptions::log_statements), or with both at once:
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
    /// One transaction at a time. The lock becomes fair when a task has waited for it, so that
    /// every task gets its turn.
    writer: Arc<Mutex<Writer>>,
    spans: Arc<KnownSpans>,
}

impl SqliteStore {
    /// Creates a store on the host's pool, without I/O. Call [`migrate`](Self::migrate) before the
    /// first use: until then the tables are missing and every operation fails.
    ///
    /// A pool for a database in memory must have exactly one connection, which is never closed.
    /// A pool for a file should have three connections or more: see
    /// [Connections](Self#connections).
    #[must_use]
    pub fn new(pool: SqlitePool) -> Self {
        Self::over(Connections::of_pool(pool))
    }

    /// Opens the database at `url`, creates it if it is missing, and migrates it.
    ///
    /// `url` is `sqlite:PATH`, or `sqlite::memory:` for a database that is dropped with the store.
    ///
    /// # Errors
    ///
    /// If the URL is invalid, the file cannot be opened or stays busy for seconds, or
    /// [`migrate`](Self::migrate) fails.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        let connections = Connections::open(url).await.map_err(|failure| failure.during("connect"))?;
        let store = Self::over(connections);
        store.migrate().await?;
        Ok(store)
    }

    /// Creates the tables, or brings them up to date. The method may be called again, by many
    /// processes at once, and by an older version of this crate than the one that migrated last.
    ///
    /// The migrations that ran are listed in the table `apikeys_migrations`. The host's own
    /// migrations, which sqlx lists in `_sqlx_migrations`, are not touched.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached or written, or has other tables with the same names.
    pub async fn migrate(&self) -> StoreResult<()> {
        self.write("migrate", &Migrate).await
    }

    /// Waits for operations under way and closes all connections, so that the database is a single
    /// file again; with [`new`](Self::new), this closes the host's pool. Every later call fails as
    /// `Unavailable`, or opens a new connection.
    ///
    /// # Errors
    ///
    /// If SQLite cannot close the file properly. No write that was answered is lost by that.
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

    async fn write<W: Work>(&self, operation: &'static str, work: &W) -> StoreResult<W::Answer> {
        let mut writer = self.writer.lock().await;
        writer.write(work).await.map_err(|failure| failure.during(operation))
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl KeyStore for SqliteStore {
    async fn find(&self, locators: &[Locator]) -> StoreResult<Option<Found>> {
        reading("find", || find::find(&self.verification, locators)).await
    }

    async fn schemes(&self) -> StoreResult<Vec<Scheme>> {
        reading("schemes", || find::schemes(&self.verification)).await
    }

    async fn org(&self, org: &OrgId) -> StoreResult<Option<OrgRow>> {
        reading("org", || find::org(&self.management, org)).await
    }

    async fn key(&self, org: &OrgId, key: KeyId) -> StoreResult<Option<KeyView>> {
        reading("key", || list::key(&self.management, org, key)).await
    }

    async fn keys(&self, query: &KeyQuery) -> StoreResult<Page<KeyView, KeyId>> {
        reading("keys", || list::keys(&self.management, query)).await
    }

    async fn commit(&self, change: &Change) -> StoreResult<Committed> {
        let (committed, spans) = self.write("commit", &Commit { change, spans: &self.spans }).await?;
        self.spans.stored(&spans);
        Ok(committed)
    }

    async fn open_writer(&self, writer: WriterId) -> StoreResult<()> {
        self.write("open_writer", &OpenWriter(writer)).await
    }

    async fn record(&self, batch: &Batch) -> StoreResult<Recorded> {
        match self.write("record", &RecordAtOnce { batch, spans: &self.spans }).await {
            Ok(Some(spans)) => {
                self.spans.stored(&spans);
                return Ok(Recorded::Applied);
            }
            Ok(None) => {}
            // Possibly only because the batch was recorded before.
            Err(error) if error.kind() == StoreErrorKind::Rejected => {}
            Err(error) => return Err(error),
        }
        let (recorded, spans) = self.write("record", &RecordWithCare { batch, spans: &self.spans }).await?;
        self.spans.stored(&spans);
        Ok(recorded)
    }

    async fn audit(&self, query: &AuditQuery) -> StoreResult<Page<AuditEntry, EventId>> {
        reading("audit", || log::audit(&self.management, query)).await
    }

    async fn usage(&self, query: &UsageQuery) -> StoreResult<Vec<UsagePoint>> {
        reading("usage", || list::usage(&self.management, query)).await
    }

    async fn purge(&self, max_rows: u32) -> StoreResult<Purged> {
        self.write("purge", &Purge { max_rows }).await
    }
}
