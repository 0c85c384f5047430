//! Creates and updates the tables.

use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, Row as _, SqlSafeStr,
    migrate::{Migrate as _, Migration, MigrationType, Migrator},
    mysql::MySqlConnectOptions,
};

use super::{connections::prepare, texts::Prefix};
use crate::error::Failure;

/// The name of the lock that one process at a time holds while it runs migrations. The names of locks are common to all
/// databases of a server, and have at most 64 characters.
const LOCK_NAME: &str = "concat('apikeys ', sha1(concat(database(), '.', ?)))";

/// The longest time in seconds that a process waits for the migrations of other processes.
const LOCK_TIMEOUT: i64 = 60;

/// A change of a large table takes long, and waits for statements of other connections.
const UNLIMITED: &str = "SET SESSION lock_wait_timeout = 60 /*M!100100 , max_statement_time = 0 */";

/// Runs the migrations that have not run. Migrations of a newer version of this crate are ignored.
///
/// The lock belongs to the connection, which is therefore not one of a pool.
pub(super) async fn migrate(options: &MySqlConnectOptions, prefix: &Prefix) -> Result<(), Failure> {
    let mut connection = MySqlConnection::connect_with(options).await?;
    let result = run(&mut connection, prefix).await;
    // The server releases the lock when the connection ends.
    let closed = connection.close().await;
    result?;
    Ok(closed?)
}

async fn run(connection: &mut MySqlConnection, prefix: &Prefix) -> Result<(), Failure> {
    prepare(connection).await?;
    connection.execute(UNLIMITED).await?;
    let lock = format!("SELECT get_lock({LOCK_NAME}, ?)");
    let locked = sqlx::query(AssertSqlSafe(lock)).bind(prefix.as_str()).bind(LOCK_TIMEOUT);
    match locked.fetch_one(&mut *connection).await?.try_get::<Option<i64>, _>(0)? {
        Some(1) => {}
        Some(_) => {
            return Err(Failure::Unusable("another process has been migrating the database for a minute"));
        }
        None => return Err(Failure::Refused("the URL must name a database")),
    }
    let table = prefix.apply("apikeys_migrations");
    connection.ensure_migrations_table(&table).await?;
    // The server commits each statement that creates a table. A process that stopped in the middle has left a row that
    // says so, and all statements of a migration can be repeated.
    connection.execute(AssertSqlSafe(format!("DELETE FROM {table} WHERE NOT success"))).await?;
    // With `Migrator::run`, the compiler cannot prove that this future is `Send`.
    migrator(prefix, table).run_direct(None, connection, false).await?;
    Ok(())
}

fn migrator(prefix: &Prefix, table: String) -> Migrator {
    let migrations = [(1, "keys", include_str!("../../migrations/mysql/0001_keys.sql"))];
    let all: Vec<Migration> = migrations
        .into_iter()
        .map(|(version, description, sql)| {
            let sql = AssertSqlSafe(prefix.apply(sql)).into_sql_str();
            Migration::new(version, description.into(), MigrationType::Simple, sql, false)
        })
        .collect();
    let mut migrator = Migrator::with_migrations(all);
    migrator.dangerous_set_table_name(table);
    migrator.set_ignore_missing(true);
    // The lock of sqlx has the name of the database only, and a service's own migrations use it too.
    migrator.set_locking(false);
    migrator
}
