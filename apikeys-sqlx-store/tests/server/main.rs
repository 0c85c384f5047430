//! Tests of the stores on database servers. Each test is written once, for each kind of server.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod database;
mod errors;
mod isolation;
mod lost_connections;
mod migrations;
#[cfg(feature = "mysql")]
mod mysql;
mod network;
mod passwords;
#[cfg(feature = "postgres")]
mod postgres;
mod transactions;
#[path = "../store/values.rs"]
mod values;

/// Defines a `#[test]` for each kind of server that runs the async function with this name.
macro_rules! on_each_server {
    ($($test:ident),* $(,)?) => {
        #[cfg(feature = "postgres")]
        mod on_postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            #[ignore = "needs a server: run cargo xtask test"]
            async fn $test() {
                super::$test::<crate::postgres::OnPostgres>().await;
            }
        )*}

        #[cfg(feature = "mysql")]
        mod on_mysql {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            #[ignore = "needs a server: run cargo xtask test"]
            async fn $test() {
                super::$test::<crate::mysql::OnMySql>().await;
            }
        )*}
    };
}
pub(crate) use on_each_server;
