//! Creates and updates the tables.

use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
    postgres::PgPool,
};

use super::texts::Schema;
use crate::{error::Failure, server::Lease};

/// The table that lists the migrations that ran. The default table of sqlx belongs to the service.
const TABLE: &str = "apikeys_migrations";

/// The number of the lock that one process at a time holds while it runs migrations.
const LOCK: i64 = i64::from_be_bytes(*b"apikeys\0");

/// Runs the migrations that have not run. Migrations of a newer version of this crate are ignored.
///
/// All migrations run in one transaction, which holds the lock until its end. sqlx's own lock is not used, because it
/// belongs to the connection, and a connection that returns to the pool of the service would keep it.
pub(super) async fn migrate(pool: &PgPool, schema: Option<&Schema>) -> Result<(), Failure> {
    let mut lease = Lease::take(pool).await?;
    let result = run(&mut lease, schema).await;
    lease.end(&result);
    result
}

async fn run(connection: &mut PgConnection, schema: Option<&Schema>) -> Result<(), Failure> {
    let mut transaction = connection.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await?;
    if let Some(schema) = schema {
        let known = sqlx::query("SELECT 1 FROM pg_namespace WHERE nspname = $1")
            .bind(schema.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
        // `IF NOT EXISTS` would need the right to create schemas even if the schema exists.
        if known.is_none() {
            let create = format!("CREATE SCHEMA \"{}\"", schema.as_str());
            transaction.execute(AssertSqlSafe(create)).await?;
        }
        let path = format!("SET LOCAL search_path = \"{}\"", schema.as_str());
        transaction.execute(AssertSqlSafe(path)).await?;
    }
    // With `Migrator::run`, the compiler cannot prove that this future is `Send`.
    migrator().run_direct(None, &mut *transaction, false).await?;
    transaction.commit().await?;
    Ok(())
}

fn migrator() -> Migrator {
    let migrations = [(1, "keys", include_str!("../../migrations/postgres/0001_keys.sql"))];
    let all = migrations.map(|(version, description, sql)| {
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(all.into());
    migrator.dangerous_set_table_name(TABLE);
    migrator.set_ignore_missing(true);
    migrator.set_locking(false);
    migrator
}
