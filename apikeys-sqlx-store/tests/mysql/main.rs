//! Tests of the store in MySQL and MariaDB.

#![cfg(feature = "mysql")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "../store/values.rs"]
mod common;
mod connections;
mod opening;
mod purge;
mod settings;
mod values;

use apikeys_sqlx_store::{
    MySqlStore,
    apikeys_core::store::{KeyRow, KeyStore, SecretRow},
};
use apikeys_test_servers::{MySql, TestDatabase};
use common::{create, org};

/// A store in a database of its own, with one key.
struct Stored {
    store: MySqlStore,
    key: KeyRow,
    secret: SecretRow,
    database: TestDatabase<MySql>,
}

impl Stored {
    async fn new() -> Self {
        let database = MySql::database().await;
        let store = MySqlStore::connect(&database.url()).await.unwrap();
        let (key, secret) = create(&store, &org("acme")).await;
        Self { store, key, secret, database }
    }

    /// Finds the key by its secret.
    async fn find(&self) {
        let found = self.store.find(std::slice::from_ref(&self.secret.locator)).await.unwrap().unwrap();
        assert_eq!((&found.key, &found.secret), (&self.key, &self.secret));
    }
}
