use std::sync::{Arc, Mutex};

use apikeys_core::{
    KeyStore, ManualClock,
    conformance::{Harness, Task, faults::FaultStore, requirements},
};
use apikeys_sqlx_store::PostgresStore;
use apikeys_test_servers::{Postgres, TestDatabase};
use sqlx::postgres::PgPoolOptions;

use super::{block_on, spawn_all};

/// How a database is opened.
#[derive(Clone, Copy)]
enum Way {
    Url,
    /// The pool of a service, with the tables in a schema of their own.
    Pool,
}

/// Opens a database of its own for each store, and runs on tokio. The suite tests what `wrap` makes of the store.
struct OnTokio<S> {
    way: Way,
    wrap: fn(PostgresStore) -> S,
    databases: Mutex<Vec<TestDatabase<Postgres>>>,
}

impl<S> OnTokio<S> {
    const fn new(way: Way, wrap: fn(PostgresStore) -> S) -> Self {
        Self { way, wrap, databases: Mutex::new(Vec::new()) }
    }
}

impl<S: KeyStore> Harness for OnTokio<S> {
    type Store = S;

    async fn open(&self) -> S {
        let database = Postgres::database().await;
        let url = database.url();
        self.databases.lock().unwrap().push(database);
        (self.wrap)(match self.way {
            Way::Url => PostgresStore::connect(&url).await.unwrap(),
            Way::Pool => {
                let pool = PgPoolOptions::new().max_connections(4).connect(&url).await.unwrap();
                let store = PostgresStore::new_in_schema(pool, "acme").unwrap();
                store.migrate().await.unwrap();
                store
            }
        })
    }

    async fn run(&self, tasks: Vec<Task>) {
        spawn_all(tasks).await;
    }

    fn block_on(&self, test: impl Future<Output = ()>) {
        block_on(test);
    }
}

mod url {
    use super::*;

    apikeys_core::conformance_tests!(
        #[ignore = "needs a server: run cargo xtask test"]
        OnTokio::new(Way::Url, |store| store)
    );
}

mod pool {
    use super::*;

    apikeys_core::conformance_tests!(
        #[ignore = "needs a server: run cargo xtask test"]
        OnTokio::new(Way::Pool, |store| store)
    );
}

/// Defines a test for each group of requirements that pointers and wrappers could break. Running the whole suite on each of
/// them would take a minute.
macro_rules! groups_of_writes {
    ($($name:ident: $wrap:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            #[ignore = "needs a server: run cargo xtask test"]
            fn store_meets_the_requirements_on_changes() {
                check_group("changes", &OnTokio::new(Way::Url, $wrap));
            }

            #[test]
            #[ignore = "needs a server: run cargo xtask test"]
            fn store_meets_the_requirements_on_quotas() {
                check_group("quota", &OnTokio::new(Way::Url, $wrap));
            }

            #[test]
            #[ignore = "needs a server: run cargo xtask test"]
            fn store_meets_the_requirements_on_recording() {
                check_group("recording", &OnTokio::new(Way::Url, $wrap));
            }
        }
    )*};
}

groups_of_writes! {
    shared: |store| -> Arc<dyn KeyStore> { Arc::new(store) };
    boxed: |store| -> Box<dyn KeyStore> { Box::new(store) };
    faultless: |store| FaultStore::new(store, Arc::new(ManualClock::default()));
}

fn check_group(group: &str, harness: &impl Harness) {
    let mut checked = 0;
    for requirement in requirements().iter().filter(|requirement| requirement.group() == group) {
        requirement.check(harness);
        checked += 1;
    }
    assert!(checked >= 8, "{checked} requirements on {group}");
}
