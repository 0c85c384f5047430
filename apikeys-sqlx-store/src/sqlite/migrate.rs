use sqlx::{
    SqlSafeStr, SqliteConnection,
    migrate::{Migration, MigrationType, Migrator},
};

use super::write::{Verdict, Work};
use crate::error::Failure;

/// Where it is kept which migrations have run. sqlx's own table belongs to the host.
const TABLE: &str = "apikeys_migrations";

/// Brings the schema up to date. What has run already is left alone, also what a newer version
/// of this crate ran.
///
/// sqlx takes no lock around SQLite migrations; here all of them run in one write transaction.
/// Of many processes that start at once, one migrates, and the others find it done.
pub(super) struct Migrate;

impl Work for Migrate {
    type Answer = ();

    async fn run(&self, connection: &mut SqliteConnection) -> Result<Verdict<()>, Failure> {
        // `run` cannot be used with a connection in a spawned task: its bounds are too general.
        migrator().run_direct(None, connection, false).await?;
        Ok(Verdict::Commit(()))
    }
}

fn migrator() -> Migrator {
    let migrations = [(1, "keys", include_str!("../../migrations/sqlite/0001_keys.sql"))];
    let all = migrations.map(|(version, description, sql)| {
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(all.into());
    migrator.dangerous_set_table_name(TABLE);
    migrator.set_ignore_missing(true);
    migrator
}
