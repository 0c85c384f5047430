//! Opens the connections of a store and distributes them.

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions as _,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
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

/// The longest time that opening a connection or waiting for one takes.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// The pools of a store.
pub(super) struct Connections {
    pub(super) verification: PgPool,
    pub(super) management: PgPool,
    pub(super) changes: PgPool,
    pub(super) recording: PgPool,
}

impl Connections {
    /// Opens the database that `url` names.
    pub(super) async fn open(url: &str) -> Result<Self, Failure> {
        let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
        let pool = |most| {
            // A lost connection is replaced at its next use, which is faster than a test before each use.
            PgPoolOptions::new()
                .max_connections(most)
                .test_before_acquire(false)
                .acquire_timeout(ACQUIRE_TIMEOUT)
        };
        Ok(Self {
            verification: pool(VERIFICATION).connect_with(options.clone()).await?,
            management: pool(MANAGEMENT).connect_lazy_with(options.clone()),
            changes: pool(CHANGES).connect_lazy_with(options.clone()),
            recording: pool(RECORDING).connect_lazy_with(options),
        })
    }

    /// Uses the pool of a service for management, and opens pools with the same options for verification and recording,
    /// which must not wait while the service uses all connections of its pool.
    pub(super) fn beside(pool: &PgPool) -> Self {
        let options = PgConnectOptions::clone(&pool.connect_options()).disable_statement_logging();
        let own = |most| {
            let settings = pool.options().clone().max_connections(most).min_connections(0);
            settings.test_before_acquire(false).connect_lazy_with(options.clone())
        };
        Self {
            verification: own(VERIFICATION / 2),
            management: pool.clone(),
            changes: pool.clone(),
            recording: own(RECORDING),
        }
    }
}
