//! Servers behind a network that fails on purpose.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use apikeys_test_network::{Cut, FaultyNetwork};
use apikeys_test_servers::{MySql, Postgres};
use sqlx::{Connection, MySqlConnection, PgConnection};

#[tokio::test]
#[ignore = "needs a PostgreSQL server: run cargo xtask test"]
async fn random_cuts_hit_a_postgres_connection_before_and_after_the_login() {
    let database = Postgres::database().await;
    let network = FaultyNetwork::before(&database.url());
    let url = network.url(&database.url());
    network.cut_at_random(Some((1..=1_500, Cut::Reset)));
    let mut ends = Ends::default();
    for _ in 0..40 {
        let Ok(mut connection) = PgConnection::connect(&url).await else {
            ends.before_login += 1;
            continue;
        };
        // A thousand queries have more than enough bytes for the cut.
        for _ in 0..1_000 {
            if sqlx::query("SELECT 1").execute(&mut connection).await.is_err() {
                break;
            }
        }
        ends.after_login += 1;
    }
    ends.check(&network);
    PgConnection::connect(&url).await.unwrap().ping().await.unwrap();
}

#[tokio::test]
#[ignore = "needs a MariaDB server: run cargo xtask test"]
async fn random_cuts_hit_a_mysql_connection_before_and_after_the_login() {
    let database = MySql::database().await;
    let network = FaultyNetwork::before(&database.url());
    let url = network.url(&database.url());
    network.cut_at_random(Some((1..=1_500, Cut::Reset)));
    let mut ends = Ends::default();
    for _ in 0..40 {
        let Ok(mut connection) = MySqlConnection::connect(&url).await else {
            ends.before_login += 1;
            continue;
        };
        // A thousand queries have more than enough bytes for the cut.
        for _ in 0..1_000 {
            if sqlx::query("SELECT 1").execute(&mut connection).await.is_err() {
                break;
            }
        }
        ends.after_login += 1;
    }
    ends.check(&network);
    MySqlConnection::connect(&url).await.unwrap().ping().await.unwrap();
}

/// How the connections ended.
#[derive(Debug, Default)]
struct Ends {
    before_login: u64,
    after_login: u64,
}

impl Ends {
    fn check(&self, network: &FaultyNetwork) {
        assert!(self.before_login > 0 && self.after_login > 0, "{self:?}");
        assert_eq!(network.random_cuts(), self.before_login + self.after_login);
        network.cut_at_random(None);
    }
}
