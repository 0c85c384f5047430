//! Opens the connections of a store and distributes them.

use std::{str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous},
};

use super::{read::Reads, transaction::Writer};
use crate::{backoff::Backoff, error::Failure, turns::Turns};

/// The longest time that a statement waits for another process's transaction. Then the store attempts the
/// transaction again.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// The number of connections for the reads of verification.
const VERIFICATION: u32 = 8;

/// The number of connections for the reads of management. With more connections, long reads slow each other
/// down.
const MANAGEMENT: u32 = 4;

/// The page cache of the connection for writes. SQLite takes a negative number as KiB. 32 MiB hold the pages
/// at the ends of the indexes, to which most writes go.
const WRITER_CACHE: &str = "-32768";

/// The connections of a store.
pub(super) struct Connections {
    pub(super) verification: Reads,
    pub(super) management: Reads,
    pub(super) writer: Writer,
}

impl Connections {
    /// Opens the database that `url` names.
    pub(super) async fn open(url: &str) -> Result<Self, Failure> {
        // sqlx would log the text of each slow statement, of up to 60 kilobytes.
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        if lives_in_memory(&options).await? {
            return Ok(Self::of_pool(memory_pool(options).await?));
        }
        turn_on_wal(&options).await?;
        let readers = |most| pool_options().max_connections(most).connect_with(options.clone());
        let verification = Reads::of_verification(readers(VERIFICATION).await?);
        let management = Reads::of_management(readers(MANAGEMENT).await?, None);
        let options = Box::new(options.pragma("cache_size", WRITER_CACHE));
        Ok(Self { verification, management, writer: Writer::Own { options, connection: None } })
    }

    /// Shares the connections of a pool. If the pool has more than one connection, reads of management and
    /// writes leave some to verification.
    pub(super) fn of_pool(pool: SqlitePool) -> Self {
        let (reads, with_writes) = turns(pool.options().get_max_connections());
        let turns = Arc::new(Turns::new(reads));
        Self {
            verification: Reads::of_verification(pool.clone()),
            management: Reads::of_management(pool.clone(), Some(Arc::clone(&turns))),
            writer: Writer::Pool { pool, turns: with_writes.then_some(turns) },
        }
    }
}

/// Returns how many reads of management can run at the same time on a pool with `connections` connections,
/// and whether a write counts as such a read. Writes use one connection at a time.
fn turns(connections: u32) -> (usize, bool) {
    match connections {
        0..=2 => (1, true),
        more => (usize::try_from((more / 2).min(more - 2)).unwrap_or(usize::MAX), false),
    }
}

fn pool_options() -> SqlitePoolOptions {
    // A connection to a file cannot be lost, so it is neither tested nor replaced.
    SqlitePoolOptions::new().test_before_acquire(false).idle_timeout(None).max_lifetime(None)
}

/// Opens a pool with one connection that is never closed, because SQLite deletes a database in memory when
/// its last connection is closed.
async fn memory_pool(options: SqliteConnectOptions) -> Result<SqlitePool, Failure> {
    Ok(pool_options().max_connections(1).min_connections(1).connect_with(options).await?)
}

/// Returns whether the database is in memory. Several forms of URLs name such databases, so SQLite is asked.
async fn lives_in_memory(options: &SqliteConnectOptions) -> Result<bool, Failure> {
    let mut connection = SqliteConnection::connect_with(options).await?;
    let row = sqlx::query("SELECT file FROM pragma_database_list WHERE name = 'main'")
        .fetch_one(&mut connection)
        .await?;
    let file: Option<String> = row.try_get(0)?;
    connection.close().await?;
    Ok(file.is_none_or(|file| file.is_empty()))
}

/// Turns on write-ahead logging, which is a setting of the file.
///
/// SQLite needs an exclusive lock for the change and does not wait for the lock. If several processes start
/// at the same time, all but one of them get the error that the database is busy and try again.
async fn turn_on_wal(options: &SqliteConnectOptions) -> Result<(), Failure> {
    let mut connection = SqliteConnection::connect_with(options).await?;
    let mut backoff = Backoff::new();
    loop {
        let row = sqlx::query("PRAGMA journal_mode = WAL").fetch_one(&mut connection).await;
        match row.map_err(Failure::from) {
            Ok(row) if row.try_get::<String, _>(0)? == "wal" => break,
            Ok(_) if backoff.wait().await => {}
            Ok(_) => {
                return Err(Failure::Unusable(
                    "SQLite cannot turn on write-ahead logging for this file; the file must be on a local file system",
                ));
            }
            Err(failure) if failure.is_busy() && backoff.wait().await => {}
            Err(failure) => return Err(failure),
        }
    }
    connection.close().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::turns;

    #[test]
    fn management_and_writes_leave_connections_to_verification() {
        for connections in 2..100 {
            let (reads, with_writes) = turns(connections);
            let others = reads + usize::from(!with_writes);
            assert!(reads >= 1 && others < usize::try_from(connections).unwrap(), "{connections}");
        }
        assert_eq!(turns(1), (1, true));
        assert_eq!(turns(10), (5, false));
    }
}
