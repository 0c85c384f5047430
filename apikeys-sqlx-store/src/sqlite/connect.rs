use std::{str::FromStr, time::Duration};

use sqlx::{
    Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous},
};

use super::write::{Patience, Writer};
use crate::error::Failure;

/// How long a statement waits for another process's transaction before the store tries again.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Reads that can be under way at once.
const READERS: u32 = 8;

/// Pages that the writer keeps, in KiB: enough for the ends of the indexes it writes to.
const WRITER_CACHE: &str = "-32768";

/// Opens the database that `url` names.
pub(super) async fn open(url: &str) -> Result<(SqlitePool, Writer), Failure> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .synchronous(SqliteSynchronous::Full);
    if lives_in_memory(&options).await? {
        let pool = memory_pool(options).await?;
        return Ok((pool.clone(), Writer::Pool(pool)));
    }
    use_wal(&options).await?;
    let readers = pool_options().max_connections(READERS).connect_with(options.clone()).await?;
    let options = Box::new(options.pragma("cache_size", WRITER_CACHE));
    Ok((readers, Writer::Own { options, connection: None }))
}

fn pool_options() -> SqlitePoolOptions {
    // A file does not hang up: there is nothing to test for, and no reason to reconnect.
    SqlitePoolOptions::new().test_before_acquire(false).idle_timeout(None).max_lifetime(None)
}

/// Such a database is gone with its last connection: there is one, and it stays.
async fn memory_pool(options: SqliteConnectOptions) -> Result<SqlitePool, Failure> {
    Ok(pool_options().max_connections(1).min_connections(1).connect_with(options).await?)
}

/// SQLite knows best: there are several ways to say it in a URL.
async fn lives_in_memory(options: &SqliteConnectOptions) -> Result<bool, Failure> {
    let mut connection = SqliteConnection::connect_with(options).await?;
    let row = sqlx::query("SELECT file FROM pragma_database_list WHERE name = 'main'")
        .fetch_one(&mut connection)
        .await?;
    let file: Option<String> = row.try_get(0)?;
    connection.close().await?;
    Ok(file.is_none_or(|file| file.is_empty()))
}

/// Turns on write-ahead logging, which the file then remembers. It needs the file for itself for
/// a moment, and SQLite does not wait for that: with several processes starting, all but one are
/// told that it is busy.
async fn use_wal(options: &SqliteConnectOptions) -> Result<(), Failure> {
    let mut connection = SqliteConnection::connect_with(options).await?;
    let mut patience = Patience::new();
    loop {
        let row = sqlx::query("PRAGMA journal_mode = WAL").fetch_one(&mut connection).await;
        match row.map_err(Failure::from) {
            Ok(row) if row.try_get::<String, _>(0)? == "wal" => break,
            Ok(_) if patience.wait().await => {}
            Ok(_) => return Err(Failure::Unusable("the file system does not allow write-ahead logging")),
            Err(failure) if failure.is_busy() && patience.wait().await => {}
            Err(failure) => return Err(failure),
        }
    }
    connection.close().await?;
    Ok(())
}
