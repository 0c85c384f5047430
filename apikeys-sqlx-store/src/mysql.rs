//! The store in MySQL and MariaDB.

mod append;
mod bulk;
mod connections;
mod migrate;
#[cfg(test)]
mod plans;
mod server;
mod session;
mod statements;
mod texts;

use std::{fmt, sync::Arc};

use apikeys_core::store::{Batch, RecordOutcome, StoreResult};
use sqlx::{
    MySql,
    mysql::{MySqlConnectOptions, MySqlPool},
};

use self::{
    connections::Connections,
    texts::{MySqlTexts, Prefix},
};
use crate::{
    error::Failure,
    key_store::key_store,
    operations::record::RecordWithCare,
    server::{Reads, write},
    session::{Backend, Work},
};

/// A [`KeyStore`](apikeys_core::KeyStore) in a database of MySQL 8.0.16 or newer, or of MariaDB 10.6 or newer.
///
/// - [`connect`](Self::connect) opens connections to a database, and creates the tables.
/// - [`new`](Self::new) opens connections with the options of a pool of your service. Call [`migrate`](Self::migrate)
///   before the first use.
///
/// The names of all tables begin with `apikeys_`. With [`connect_with_prefix`](Self::connect_with_prefix) and
/// [`new_with_prefix`](Self::new_with_prefix), they begin with another prefix.
///
/// Cloning is cheap. All clones use the same connections. Any number of processes on any number of machines can use
/// the same database.
///
/// # Connections
///
/// Verifying a request must not wait while keys are listed, while the audit log is read, or while your service uses
/// all connections of its pool. The store therefore divides its connections:
///
/// | store | verification | keeping the cache current | writing the audit log | reading lists, audit log and usage | all other operations |
/// | --- | --- | --- | --- | --- | --- |
/// | `connect` | up to 8 | 5 | 1 | up to 4 | up to 4 |
/// | `new` | up to 4 | 5 | 1 | up to 2 | up to 2 |
///
/// In MySQL, settings such as the SQL mode belong to a connection. The store needs settings of its own, and so it does not
/// use the connections of your pool. It opens connections with the same options, such as the server, the password and
/// the certificates, and with the same timeouts. It does not run the pool's hooks, such as `after_connect`.
///
/// Connections are opened when they are needed. The server's `max_connections` must have room for those of all
/// processes.
///
/// The database stops a statement that reads a list, the audit log or usage after 2 seconds. The read then fails
/// with a temporary error.
///
/// A connection that was lost, for example because the server was restarted, is replaced when it is used next.
/// If the future of an operation is dropped before its end, its connection is closed.
///
/// # Transactions
///
/// The isolation level is READ COMMITTED, whatever the server's default is. The server must not have the setting
/// `binlog_format = STATEMENT`, with which it refuses this level.
///
/// A transaction that conflicts with another one is attempted again for up to 5 seconds. If a process stops in the middle
/// of a transaction, MariaDB ends the transaction after 3 seconds. MySQL ends it when the connection ends.
///
/// All tables use `InnoDB`.
///
/// # Encryption
///
/// Connections are encrypted if you enable one of sqlx's TLS features in your own `Cargo.toml`, such as
/// `tls-rustls-ring-webpki`, and if the URL demands it, for example with `?ssl-mode=VERIFY_IDENTITY`.
///
/// By default, users of MySQL 8 log in with `caching_sha2_password`, which needs an encrypted connection or a Unix
/// socket. Without encryption, create the user with `IDENTIFIED WITH mysql_native_password`, or enable the feature
/// `mysql-rsa` of sqlx, whose RSA implementation has the open advisory RUSTSEC-2023-0071. With
/// MariaDB, users can log in without encryption by default.
#[derive(Clone)]
pub struct MySqlStore {
    verification: Reads<MySql>,
    management: Reads<MySql>,
    /// Reads on the connections of `changes`.
    change_reads: Reads<MySql>,
    /// Reads on the connection of `renewal`.
    renewal_reads: Reads<MySql>,
    renewal: MySqlPool,
    changes: MySqlPool,
    recording: MySqlPool,
    options: MySqlConnectOptions,
    texts: Arc<MySqlTexts>,
    prefix: Prefix,
}

impl MySqlStore {
    /// Creates a store with connections of its own, which have the options of `pool`. This function performs no I/O. Call
    /// it within the async runtime.
    ///
    /// Call [`migrate`](Self::migrate) before the first use. Without the tables, every operation fails.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "the other stores take a pool")]
    pub fn new(pool: MySqlPool) -> Self {
        Self::over(Connections::beside(&pool), Prefix::default())
    }

    /// Creates a store like [`new`](Self::new), with tables whose names begin with `prefix`.
    ///
    /// # Errors
    ///
    /// Returns an error of the kind [`Rejected`](apikeys_core::store::StoreErrorKind::Rejected) if the prefix does not consist
    /// of 1 to 31 characters of `a-z`, `0-9` and `_`, or if it does not begin with a letter.
    #[expect(clippy::needless_pass_by_value, reason = "the other stores take a pool")]
    pub fn new_with_prefix(pool: MySqlPool, prefix: &str) -> StoreResult<Self> {
        let prefix = Prefix::new(prefix).map_err(|failure| failure.during("new_with_prefix"))?;
        Ok(Self::over(Connections::beside(&pool), prefix))
    }

    /// Connects to the database that `url` names, such as `mysql://user:password@host/database`, and calls
    /// [`migrate`](Self::migrate).
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid, if the server cannot be reached within 10 seconds, or if
    /// [`migrate`](Self::migrate) fails. The error does not contain the URL, which may contain a password.
    pub async fn connect(url: &str) -> StoreResult<Self> {
        Self::open(url, Prefix::default()).await
    }

    /// Connects like [`connect`](Self::connect), to tables whose names begin with `prefix`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`connect`](Self::connect) and of [`new_with_prefix`](Self::new_with_prefix).
    pub async fn connect_with_prefix(url: &str, prefix: &str) -> StoreResult<Self> {
        let prefix = Prefix::new(prefix).map_err(|failure| failure.during("connect"))?;
        Self::open(url, prefix).await
    }

    async fn open(url: &str, prefix: Prefix) -> StoreResult<Self> {
        let connections = Connections::open(url).await.map_err(|failure| failure.during("connect"))?;
        let store = Self::over(connections, prefix);
        store.migrate().await?;
        Ok(store)
    }

    fn over(connections: Connections, prefix: Prefix) -> Self {
        let texts = Arc::new(MySqlTexts::new(&prefix));
        Self {
            verification: Reads::of_verification(connections.verification, Arc::clone(&texts)),
            management: Reads::of_management(connections.management, Arc::clone(&texts)),
            change_reads: Reads::of_verification(connections.changes.clone(), Arc::clone(&texts)),
            renewal_reads: Reads::of_verification(connections.renewal.clone(), Arc::clone(&texts)),
            renewal: connections.renewal,
            changes: connections.changes,
            recording: connections.recording,
            options: connections.options,
            texts,
            prefix,
        }
    }

    /// Creates missing tables and updates the tables of older versions.
    ///
    /// This method can be called any number of times, and by several processes at the same time. If a process stops in
    /// the middle, the next call continues. The method also succeeds if a newer version of this crate has already updated
    /// the tables. The user of the connection needs the right to create tables.
    ///
    /// The table `apikeys_migrations` lists the migrations that ran. The method does not change
    /// `_sqlx_migrations`, where sqlx lists the migrations of your service.
    ///
    /// # Errors
    ///
    /// Returns an error if the database cannot be reached or written, or if it contains other tables with the
    /// same names.
    pub async fn migrate(&self) -> StoreResult<()> {
        let result = migrate::migrate(&self.options, &self.prefix).await;
        result.map_err(|failure| failure.during("migrate"))
    }

    /// Waits until running operations have ended, and closes the connections of the store. The pool of your service
    /// stays open.
    ///
    /// Do not use the store afterwards. Operations fail with [`StoreErrorKind::Unavailable`](apikeys_core::store::StoreErrorKind::Unavailable).
    pub async fn close(&self) {
        self.recording.close().await;
        self.renewal.close().await;
        self.changes.close().await;
        self.management.close().await;
        self.verification.close().await;
    }
}

impl fmt::Debug for MySqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MySqlStore").finish_non_exhaustive()
    }
}

key_store!(MySqlStore);

impl Backend for MySqlStore {
    type Reader = Reads<MySql>;

    fn verification(&self) -> &Reads<MySql> {
        &self.verification
    }

    fn management(&self) -> &Reads<MySql> {
        &self.management
    }

    fn renewal(&self) -> &Reads<MySql> {
        &self.renewal_reads
    }

    fn changes(&self) -> &Reads<MySql> {
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

    async fn record(&self, batch: &Batch) -> StoreResult<RecordOutcome> {
        let result = write(&self.recording, &self.texts, &RecordWithCare(batch)).await;
        result.map_err(|failure| failure.during("record"))
    }
}
