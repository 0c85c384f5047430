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
/// The connections for the renewal of the lease. If the database takes long for an answer, a poll does not wait for the
/// polls before it. After each use, sqlx tests a connection, so a poll occupies its connection for the time of two
/// answers. If an answer takes half a lease, four connections are occupied all the time. The engine uses all of them when
/// it registers, so that no poll waits for a new connection later.
const RENEWAL: u32 = 5;
/// The connection that listens for changes.
const HINTS: u32 = 1;

/// The longest time that opening a connection or waiting for one takes.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// The pools of a store.
pub(super) struct Connections {
    pub(super) verification: PgPool,
    pub(super) management: PgPool,
    pub(super) changes: PgPool,
    pub(super) recording: PgPool,
    pub(super) renewal: PgPool,
    pub(super) hints: PgPool,
}

impl Connections {
    /// Opens the database that `url` names.
    pub(super) async fn open(url: &str) -> Result<Self, Failure> {
        check_options(url)?;
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
            recording: pool(RECORDING).connect_lazy_with(options.clone()),
            renewal: pool(RENEWAL).connect_lazy_with(options.clone()),
            hints: pool(HINTS).connect_lazy_with(options),
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
            renewal: own(RENEWAL),
            hints: own(HINTS),
        }
    }
}

/// The options that sqlx reads from a URL.
const OPTIONS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Refuses a URL with an option that sqlx does not know. sqlx would log the option with its value, which is a password
/// if the word `password` is mistyped.
fn check_options(url: &str) -> Result<(), Failure> {
    let options = url.split_once('?').map_or("", |(_, options)| options);
    for option in options.split('&').filter(|option| !option.is_empty()) {
        let name = option.split('=').next().unwrap_or_default();
        let is_setting = name.starts_with("options[") || name.starts_with("options%5B");
        if !is_setting && !OPTIONS.contains(&name) {
            return Err(Failure::Refused("the URL has an option that is unknown"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_with_an_unknown_option_is_refused() {
        for url in [
            "postgres://u:p@host/keys",
            "postgres://u:p@host/keys?",
            "postgres://u:p@host/keys?sslmode=require&application_name=acme",
            "postgres://u:p@host/keys?options[search_path]=acme&options%5Bwork_mem%5D=4MB",
        ] {
            assert!(check_options(url).is_ok(), "{url}");
        }
        for url in ["postgres://u@host/keys?pasword=p", "postgres://u@host/keys?sslmode=require&p&Password=p"]
        {
            assert!(check_options(url).is_err(), "{url}");
        }
    }
}
