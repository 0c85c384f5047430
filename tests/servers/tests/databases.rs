//! Databases in the servers that `cargo xtask test` starts.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use apikeys_test_servers::{MySql, Postgres};
use sqlx::{Connection, Executor, MySqlConnection, PgConnection};

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run cargo xtask test"]
async fn new_postgres_databases_are_empty_and_separate() {
    let (one, two) = (Postgres::database().await, Postgres::database().await);
    one.connection().await.execute("CREATE TABLE mine (id INTEGER)").await.unwrap();
    assert_eq!(postgres_tables(&mut one.connection().await).await, ["mine"]);
    assert_eq!(postgres_tables(&mut two.connection().await).await, [""; 0]);
}

#[tokio::test]
#[ignore = "needs a MariaDB server: run cargo xtask test"]
async fn new_mysql_databases_are_empty_and_separate() {
    let (one, two) = (MySql::database().await, MySql::database().await);
    one.connection().await.execute("CREATE TABLE mine (id INTEGER)").await.unwrap();
    assert_eq!(mysql_tables(&mut one.connection().await).await, ["mine"]);
    assert_eq!(mysql_tables(&mut two.connection().await).await, [""; 0]);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run cargo xtask test"]
async fn dropped_postgres_database_is_removed_despite_open_transactions() {
    let database = Postgres::database().await;
    let mut admin = database.admin().await;
    let exists = "SELECT COUNT(*) FROM pg_database WHERE datname = $1";
    let name = database.name().to_owned();
    assert_eq!(sqlx::query_scalar::<_, i64>(exists).bind(&name).fetch_one(&mut admin).await.unwrap(), 1);
    let mut open = database.connection().await;
    open.execute("CREATE TABLE kept (id INTEGER)").await.unwrap();
    let mut transaction = open.begin().await.unwrap();
    transaction.execute("INSERT INTO kept VALUES (1)").await.unwrap();
    drop(database);
    assert_eq!(sqlx::query_scalar::<_, i64>(exists).bind(&name).fetch_one(&mut admin).await.unwrap(), 0);
}

#[tokio::test]
#[ignore = "needs a MariaDB server: run cargo xtask test"]
async fn dropped_mysql_database_is_removed_despite_open_transactions() {
    let database = MySql::database().await;
    let mut admin = database.admin().await;
    let exists = "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = ?";
    let name = database.name().to_owned();
    assert_eq!(sqlx::query_scalar::<_, i64>(exists).bind(&name).fetch_one(&mut admin).await.unwrap(), 1);
    let mut open = database.connection().await;
    open.execute("CREATE TABLE kept (id INTEGER)").await.unwrap();
    let mut transaction = open.begin().await.unwrap();
    transaction.execute("INSERT INTO kept VALUES (1)").await.unwrap();
    drop(database);
    assert_eq!(sqlx::query_scalar::<_, i64>(exists).bind(&name).fetch_one(&mut admin).await.unwrap(), 0);
}

async fn postgres_tables(connection: &mut PgConnection) -> Vec<String> {
    let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    sqlx::query_scalar(tables).fetch_all(connection).await.unwrap()
}

async fn mysql_tables(connection: &mut MySqlConnection) -> Vec<String> {
    let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()";
    sqlx::query_scalar(tables).fetch_all(connection).await.unwrap()
}
