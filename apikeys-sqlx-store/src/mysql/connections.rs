//! Opens the connections of a store and distributes them.

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions as _, Executor as _, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions},
};

use crate::error::Failure;

/// The most connections for verification.
const VERIFICATION: u32 = 8;
/// The most connections for reading lists, the audit log and usage.
const MANAGEMENT: u32 = 4;
/// The most connections for changes, purges and warnings.
const CHANGES: u32 = 4;
/// The most connections for recording. Each process records one batch at a time.
const RECORDING: u32 = 1;
/// The connections for the renewal of the lease. If the database takes long for an answer, a poll does not wait for the
/// polls before it. After each use, sqlx tests a connection, so a poll occupies its connection for the time of two
/// answers. If an answer takes half a lease, four connections are occupied all the time. The engine uses all of them when
/// it registers, so that no poll waits for a new connection later.
const RENEWAL: u32 = 5;

/// The longest time that opening a connection or waiting for one takes.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// The settings of each connection, whatever the server's or the service's settings are.
///
/// With a strict mode, a value that does not fit is an error; otherwise the server would cut it. A transaction does not
/// wait longer for a lock than the engine waits for the store. MariaDB also ends long statements, and it ends transactions
/// whose process has stopped in the middle before others have waited that long for their locks. MySQL has no such settings, and
/// takes the last part as a comment.
const SETTINGS: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;
     SET NAMES utf8mb4;
     SET SESSION autocommit = 1, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',
         sql_select_limit = DEFAULT, sql_big_selects = 1, sql_safe_updates = 0, unique_checks = 1,
         innodb_lock_wait_timeout = 4, lock_wait_timeout = 10
         /*M!100300 , max_statement_time = 10, idle_transaction_timeout = 3 */";

/// The pools of a store.
pub(super) struct Connections {
    pub(super) options: MySqlConnectOptions,
    pub(super) verification: MySqlPool,
    pub(super) management: MySqlPool,
    pub(super) changes: MySqlPool,
    pub(super) recording: MySqlPool,
    pub(super) renewal: MySqlPool,
}

impl Connections {
    /// Opens the database that `url` names.
    pub(super) async fn open(url: &str) -> Result<Self, Failure> {
        let options = MySqlConnectOptions::from_str(url)?;
        let settings = MySqlPoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT);
        let connections = Self::lazy(&options, &settings, 1);
        // Reports at once that the server cannot be reached.
        drop(connections.verification.acquire().await?);
        Ok(connections)
    }

    /// Opens pools with the options of a service's pool. Settings of MySQL belong to a connection and not to a
    /// transaction, and connections of the service must keep theirs.
    pub(super) fn beside(pool: &MySqlPool) -> Self {
        let (options, given) = (pool.connect_options(), pool.options());
        let settings = MySqlPoolOptions::new()
            .acquire_timeout(given.get_acquire_timeout())
            .idle_timeout(given.get_idle_timeout())
            .max_lifetime(given.get_max_lifetime());
        Self::lazy(&options, &settings, 2)
    }

    pub(super) fn lazy(options: &MySqlConnectOptions, settings: &MySqlPoolOptions, divisor: u32) -> Self {
        let options = own(options);
        let pool = |most| {
            // A lost connection is replaced at its next use, which is faster than a test before each use.
            let settings = settings.clone().max_connections(most).test_before_acquire(false);
            let settings = settings.after_connect(|connection, _| Box::pin(prepare(connection)));
            settings.connect_lazy_with(options.clone())
        };
        Self {
            verification: pool(VERIFICATION / divisor),
            management: pool(MANAGEMENT / divisor),
            changes: pool(CHANGES / divisor),
            recording: pool(RECORDING),
            renewal: pool(RENEWAL),
            options: options.clone(),
        }
    }
}

/// Returns the options without those that change the meaning of statements, and without logs of statements.
fn own(options: &MySqlConnectOptions) -> MySqlConnectOptions {
    options.clone().charset("utf8mb4").set_names(true).disable_statement_logging()
}

/// Makes the settings of a connection.
pub(super) async fn prepare(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    connection.execute(SETTINGS).await.map(drop)
}
