//! SQLite: the embedded store, for a service on one machine.

#[macro_use]
mod sized;

mod append;
mod commit;
mod connect;
mod find;
mod list;
mod log;
mod migrate;
mod record;
mod rows;
mod secrets;
mod spans;
mod write;

use std::{fmt, sync::Arc};

use apikeys_core::{
    KeyId, OrgId,
    audit::AuditEntry,
    id::{EventId, WriterId},
    key::KeyView,
    store::{
        AuditQuery, Batch, Change, Committed, Found, KeyQuery, KeyStore, OrgRow, Page, Recorded,
        StoreErrorKind, StoreResult, UsagePoint, UsageQuery,
    },
    token::{Locator, Scheme},
};
use async_lock::Mutex;
use async_trait::async_trait;
use sqlx::sqlite::SqlitePool;

use self::{
    commit::Commit,
    migrate::Migrate,
    record::{OpenWriter, RecordAtOnce, RecordWithCare},
    spans::KnownSpans,
    write::{Work, Writer, reading},
};

/// A [`KeyStore`] in an SQLite database. Cheap to clone; clones share everything.
///
/// - [`connect`](Self::connect) opens a database of the store's own: it sets everything for this
///   use, writes on a connection of its own, and migrates.
/// - [`new`](Self::new) takes a pool that the host has already; then call
///   [`migrate`](Self::migrate). All tables are called `apikeys_…`, so that they can live beside
///   the host's.
///
/// Several processes may use one file, on one machine. SQLite's locks do not work on network file
/// systems.
///
/// # What is on the disk when
///
/// With `connect`, write-ahead logging is on and `synchronous` is `FULL`: what was answered
/// survives the end of the process and the loss of power. `NORMAL` would be faster by one
/// `fsync` for each transaction and also survive a `kill -9`; but after a loss of power, a key
/// whose deletion was answered could work again. To choose that, bring a pool of your own.
///
/// The files `…-wal` and `…-shm` belong to the database: until [`close`](Self::close), what was
/// written last may be in the first of them alone. Keep them together, and use SQLite's own backup.
///
/// With `new`, the pool's own settings hold, and nothing is changed about them. Any journal mode
/// works; outside of write-ahead logging, readers and writers wait for each other.
#[derive(Clone)]
pub struct SqliteStore {
    readers: SqlitePool,
    /// One transaction at a time, in the order they came. The lock turns fair when it has kept
    /// somebody waiting, so that nobody starves.
    writer: Arc<Mutex<Writer>>,
    spans: Arc<KnownSpans>,
}

impl SqliteStore {
    /// A store on the host's pool. Does no I/O: call [`migrate`](Self::migrate) before the first
    /// use, or every operation fails for want of the tables.
    ///
    /// A pool for a database in memory must have exactly one connection, which is never closed.
    #[must_use]
    pub fn new(pool: SqlitePool) -> Self {
        Self::with_writer(pool.clone(), Writer::Pool(pool))
    }

    /// Opens the database at `url`, creates it if it is missing, and migrates it.
    ///
    /// `url` is `sqlite:PATH`, or `sqlite::memory:` for a database that is gone with the store.
    ///
    /// # Errors
    ///
    /// When the URL cannot be read, the file cannot be opened, it stays busy for seconds, or
    /// [`migrate`](Self::migrate) fails.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        let (readers, writer) = connect::open(url).await.map_err(|failure| failure.during("connect"))?;
        let store = Self::with_writer(readers, writer);
        store.migrate().await?;
        Ok(store)
    }

    /// Creates the tables, or brings them up to date. It may be called again, by many processes
    /// at once, and by older versions of this crate than the newest that ran.
    ///
    /// Which migrations ran is kept in `apikeys_migrations`; the host's own migrations, in sqlx's
    /// `_sqlx_migrations`, know nothing of it.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached or written, or holds something else under the names of
    /// the tables.
    pub async fn migrate(&self) -> StoreResult<()> {
        self.write("migrate", &Migrate).await
    }

    /// Waits for what is under way and closes all connections, so that the database is one file
    /// again; with [`new`](Self::new), those of the host's pool. Every later call answers
    /// `Unavailable`, or opens a connection anew.
    ///
    /// # Errors
    ///
    /// When SQLite cannot close the file properly. Nothing that was answered is lost by that.
    pub async fn close(&self) -> StoreResult<()> {
        let closed = self.writer.lock().await.close().await;
        self.readers.close().await;
        closed.map_err(|failure| failure.during("close"))
    }

    fn with_writer(readers: SqlitePool, writer: Writer) -> Self {
        Self { readers, writer: Arc::new(Mutex::new(writer)), spans: Arc::default() }
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
        reading("find", || find::find(&self.readers, locators)).await
    }

    async fn schemes(&self) -> StoreResult<Vec<Scheme>> {
        reading("schemes", || find::schemes(&self.readers)).await
    }

    async fn org(&self, org: &OrgId) -> StoreResult<Option<OrgRow>> {
        reading("org", || find::org(&self.readers, org)).await
    }

    async fn key(&self, org: &OrgId, key: KeyId) -> StoreResult<Option<KeyView>> {
        reading("key", || list::key(&self.readers, org, key)).await
    }

    async fn keys(&self, query: &KeyQuery) -> StoreResult<Page<KeyView, KeyId>> {
        reading("keys", || list::keys(&self.readers, query)).await
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
        reading("audit", || log::audit(&self.readers, query)).await
    }

    async fn usage(&self, query: &UsageQuery) -> StoreResult<Vec<UsagePoint>> {
        reading("usage", || list::usage(&self.readers, query)).await
    }
}
