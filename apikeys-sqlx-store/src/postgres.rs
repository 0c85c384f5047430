//! The store in PostgreSQL.

mod append;
mod connections;
mod hints;
mod migrate;
#[cfg(test)]
mod plans;
mod server;
mod session;
mod statements;
mod texts;

use std::{fmt, sync::Arc};

use apikeys_core::store::{Batch, RecordOutcome, Revision, StoreResult};
use sqlx::{Postgres, postgres::PgPool};

use self::{
    connections::Connections,
    hints::Hints,
    texts::{PgTexts, Schema},
};
use crate::{
    error::Failure,
    key_store::key_store,
    operations::record::RecordWithCare,
    server::{Reads, write},
    session::{Backend, Work},
};

/// A [`KeyStore`](apikeys_core::KeyStore) in a PostgreSQL database, version 12 or newer.
///
/// - [`connect`](Self::connect) opens connections that only the store uses, and creates the tables.
/// - [`new`](Self::new) uses a pool of your service. Call [`migrate`](Self::migrate) before the first use.
///
/// The names of all tables begin with `apikeys_`. By default, they are in the schema that PostgreSQL uses for new
/// tables, which is usually `public`. [`connect_in_schema`](Self::connect_in_schema) and
/// [`new_in_schema`](Self::new_in_schema) put them into another schema.
///
/// Cloning is cheap. All clones use the same connections. Any number of processes on any number of machines can use
/// the same database.
///
/// # Connections
///
/// Verifying a request must not wait while keys are listed, while the audit log is read, or while your service uses
/// all connections of its pool. The store therefore opens connections of its own for verification, for the cache of the
/// engine and for writing the audit log:
///
/// | store | verification | keeping the cache current | writing the audit log | reading lists, audit log and usage | all other operations |
/// | --- | --- | --- | --- | --- | --- |
/// | `connect` | up to 8 | 6 | 1 | up to 4 | up to 4 |
/// | `new` | up to 4 | 6 | 1 | your pool | your pool |
///
/// One of the six connections for the cache listens (`LISTEN`) on the channel `apikeys`, on which each change of a key or
/// plan is announced. If it cannot listen, for example because a proxy such as `PgBouncer` shares connections between
/// clients, changes still reach each process within a quarter of the engine's `cache_lease`.
///
/// Connections are opened when they are needed. The server's `max_connections` must have room for those of all
/// processes.
///
/// The database stops a statement that reads a list, the audit log or usage after 2 seconds. The read then fails
/// with a temporary error.
///
/// A connection that was lost, for example because the server was restarted, is replaced when it is used next.
///
/// # Transactions
///
/// The isolation level is READ COMMITTED, whatever the database's default is. A transaction that conflicts with another
/// one is attempted again for up to 5 seconds. If a process stops in the middle of a transaction, the database ends the
/// transaction after 3 seconds.
///
/// # Encryption
///
/// Connections are encrypted if you enable one of sqlx's TLS features in your own `Cargo.toml`, such as
/// `tls-rustls-ring-webpki`, and if the URL demands it, for example with `?sslmode=verify-full`.
#[derive(Clone)]
pub struct PostgresStore {
    verification: Reads<Postgres>,
    management: Reads<Postgres>,
    /// Reads on the connections of `changes`.
    change_reads: Reads<Postgres>,
    /// Reads on the connection of `renewal`.
    renewal_reads: Reads<Postgres>,
    renewal: PgPool,
    hints: Arc<Hints>,
    changes: PgPool,
    recording: PgPool,
    texts: Arc<PgTexts>,
    schema: Option<Schema>,
    /// Whether the pool of management and changes belongs to the service.
    is_shared: bool,
}

impl PostgresStore {
    /// Creates a store that uses `pool`. This function performs no I/O. Call it within the async runtime.
    ///
    /// Call [`migrate`](Self::migrate) before the first use. Without the tables, every operation fails.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "as in sqlx's own constructors; cloning a pool is cheap"
    )]
    pub fn new(pool: PgPool) -> Self {
        Self::over(Connections::beside(&pool), None, true)
    }

    /// Creates a store like [`new`](Self::new), whose tables are in `schema`. [`migrate`](Self::migrate) creates the
    /// schema if it is missing.
    ///
    /// # Errors
    ///
    /// Returns an error of the kind [`Rejected`](apikeys_core::store::StoreErrorKind::Rejected) if the name does not consist of 1 to 63
    /// characters of `a-z`, `0-9` and `_`, or if it begins with a digit.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "as in sqlx's own constructors; cloning a pool is cheap"
    )]
    pub fn new_in_schema(pool: PgPool, schema: &str) -> StoreResult<Self> {
        let schema = Schema::new(schema).map_err(|failure| failure.during("new_in_schema"))?;
        Ok(Self::over(Connections::beside(&pool), Some(schema), true))
    }

    /// Connects to the database that `url` names, such as `postgres://user:password@host/database`, and calls
    /// [`migrate`](Self::migrate).
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid, if the server cannot be reached within 10 seconds, or if
    /// [`migrate`](Self::migrate) fails. The error does not contain the URL, which may contain a password.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        Self::open(url, None).await
    }

    /// Connects like [`connect`](Self::connect), to a store whose tables are in `schema`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`connect`](Self::connect) and of [`new_in_schema`](Self::new_in_schema).
    pub async fn connect_in_schema(url: &str, schema: &str) -> StoreResult<Self> {
        let schema = Schema::new(schema).map_err(|failure| failure.during("connect"))?;
        Self::open(url, Some(schema)).await
    }

    async fn open(url: &str, schema: Option<Schema>) -> StoreResult<Self> {
        let connections = Connections::open(url).await.map_err(|failure| failure.during("connect"))?;
        let store = Self::over(connections, schema, false);
        store.migrate().await?;
        Ok(store)
    }

    fn over(connections: Connections, schema: Option<Schema>, is_shared: bool) -> Self {
        let texts = Arc::new(PgTexts::new(schema.as_ref()));
        Self {
            verification: Reads::of_verification(connections.verification, Arc::clone(&texts)),
            management: Reads::of_management(connections.management, Arc::clone(&texts)),
            change_reads: Reads::of_verification(connections.changes.clone(), Arc::clone(&texts)),
            renewal_reads: Reads::of_verification(connections.renewal.clone(), Arc::clone(&texts)),
            renewal: connections.renewal,
            hints: Arc::new(Hints::new(connections.hints)),
            changes: connections.changes,
            recording: connections.recording,
            texts,
            schema,
            is_shared,
        }
    }

    /// Creates missing tables and updates the tables of older versions.
    ///
    /// This method can be called any number of times, and by several processes at the same time. It also
    /// succeeds if a newer version of this crate has already updated the tables. The role of the connection needs
    /// the right to create tables.
    ///
    /// The table `apikeys_migrations` lists the migrations that ran. The method does not change
    /// `_sqlx_migrations`, where sqlx lists the migrations of your service.
    ///
    /// # Errors
    ///
    /// Returns an error if the database cannot be reached or written, or if it contains other tables with the
    /// same names.
    pub async fn migrate(&self) -> StoreResult<()> {
        let result = migrate::migrate(&self.changes, self.schema.as_ref()).await;
        result.map_err(|failure| failure.during("migrate"))
    }

    /// Waits until running operations have ended, and closes the connections of the store. The pool of your service
    /// stays open.
    ///
    /// Do not use the store afterwards. Operations fail with [`StoreErrorKind::Unavailable`](apikeys_core::store::StoreErrorKind::Unavailable).
    pub async fn close(&self) {
        self.recording.close().await;
        self.renewal.close().await;
        self.hints.close().await;
        self.verification.close().await;
        if !self.is_shared {
            self.changes.close().await;
            self.management.close().await;
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

key_store!(PostgresStore);

impl Backend for PostgresStore {
    type Reader = Reads<Postgres>;

    fn verification(&self) -> &Reads<Postgres> {
        &self.verification
    }

    fn management(&self) -> &Reads<Postgres> {
        &self.management
    }

    fn renewal(&self) -> &Reads<Postgres> {
        &self.renewal_reads
    }

    fn changes(&self) -> &Reads<Postgres> {
        &self.change_reads
    }

    async fn reading<T: Send, F: Future<Output = Result<T, Failure>> + Send>(
        &self,
        operation: &'static str,
        read: impl Fn() -> F + Send + Sync,
    ) -> StoreResult<T> {
        read().await.map_err(|failure| failure.during(operation))
    }

    async fn write<W: Work>(&self, operation: &'static str, work: &W) -> StoreResult<W::Answer> {
        let result = write(&self.changes, &self.texts, work).await;
        result.map_err(|failure| failure.during(operation))
    }

    async fn renew<W: Work>(&self, operation: &'static str, work: &W) -> StoreResult<W::Answer> {
        let result = write(&self.renewal, &self.texts, work).await;
        result.map_err(|failure| failure.during(operation))
    }

    async fn hint(&self, _applied: Revision) -> StoreResult<()> {
        self.hints.next().await.map_err(|failure| failure.during("hint"))
    }

    async fn record(&self, batch: &Batch) -> StoreResult<RecordOutcome> {
        let result = write(&self.recording, &self.texts, &RecordWithCare(batch)).await;
        result.map_err(|failure| failure.during("record"))
    }
}
