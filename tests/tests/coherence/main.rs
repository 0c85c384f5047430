//! Tests of several quickstarts on one database, each of which keeps keys in memory. Each change is made through one
//! quickstart, while callers send requests to all quickstarts, while instances stop, or while the database cannot be
//! reached.
//!
//! The tests that make many changes make 40 revocations. To make more, set [`REVOCATIONS`](rounds::REVOCATIONS).

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod callers;
mod changes;
mod fleet;
mod listener;
mod outage;
mod outages;
mod rounds;
mod slow;
mod stopped;
mod times;

/// Declares a test for each `async fn(database: Database)` and each store.
macro_rules! on_each_store {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite { $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $test() { super::$test(apikeys_tests::Database::Sqlite).await }
        )* }
        $crate::on_each_server! { $($test),* }
    };
}

/// Declares a test for each `async fn(database: Database)` and each database server.
macro_rules! on_each_server {
    ($($test:ident),* $(,)?) => {
        mod on_postgres { $(
            #[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs a server: run cargo xtask test"]
            async fn $test() { super::$test(apikeys_tests::Database::Postgres).await }
        )* }
        mod on_mysql { $(
            #[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs a server: run cargo xtask test"]
            async fn $test() { super::$test(apikeys_tests::Database::MySql).await }
        )* }
    };
}

pub(crate) use {on_each_server, on_each_store};
