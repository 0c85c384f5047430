//! Creates and updates the tables.

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

use super::{session::SqliteSession, transaction::SqliteWork};
use crate::{error::Failure, session::Verdict};

/// The table that lists the migrations that ran. The default table of sqlx belongs to the service.
const TABLE: &str = "apikeys_migrations";

/// Runs the migrations that have not run. Migrations of a newer version of this crate are ignored.
///
/// sqlx takes no lock while it runs migrations on SQLite. Here all migrations run in one write transaction,
/// so that one of several processes runs them and the other processes find that they have run.
pub(super) struct Migrate;

impl SqliteWork for Migrate {
    type Answer = ();

    async fn run(&self, session: &mut SqliteSession<'_>) -> Result<Verdict<()>, Failure> {
        // With `Migrator::run`, the compiler cannot prove that this future is `Send`.
        migrator().run_direct(None, session.connection(), false).await?;
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
