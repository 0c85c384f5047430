use std::sync::Mutex;

use apikeys_core::conformance::{Harness, Task};
use apikeys_sqlx_store::MySqlStore;
use apikeys_test_servers::{MySql, TestDatabase};
use sqlx::mysql::MySqlPoolOptions;

use super::{block_on, spawn_all};

/// How a database is opened.
#[derive(Clone, Copy)]
enum Way {
    Url,
    /// The pool of a service, with a prefix of its own for the tables.
    Pool,
}

/// Opens a database of its own for each store, and runs on tokio.
struct OnTokio {
    way: Way,
    databases: Mutex<Vec<TestDatabase<MySql>>>,
}

impl OnTokio {
    const fn new(way: Way) -> Self {
        Self { way, databases: Mutex::new(Vec::new()) }
    }
}

impl Harness for OnTokio {
    type Store = MySqlStore;

    async fn open(&self) -> MySqlStore {
        let database = MySql::database().await;
        let url = database.url();
        self.databases.lock().unwrap().push(database);
        match self.way {
            Way::Url => MySqlStore::connect(&url).await.unwrap(),
            Way::Pool => {
                let pool = MySqlPoolOptions::new().max_connections(4).connect(&url).await.unwrap();
                let store = MySqlStore::new_with_prefix(pool, "acme_keys_").unwrap();
                store.migrate().await.unwrap();
                store
            }
        }
    }

    async fn run(&self, tasks: Vec<Task>) {
        spawn_all(tasks).await;
    }

    fn block_on(&self, test: impl Future<Output = ()>) {
        block_on(test);
    }
}

mod url {
    use super::{OnTokio, Way};

    apikeys_core::conformance_tests!(
        #[ignore = "needs a server: run cargo xtask test"]
        OnTokio::new(Way::Url)
    );
}

mod pool {
    use super::{OnTokio, Way};

    apikeys_core::conformance_tests!(
        #[ignore = "needs a server: run cargo xtask test"]
        OnTokio::new(Way::Pool)
    );
}
