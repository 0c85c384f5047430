use std::sync::atomic::{AtomicU32, Ordering};

use apikeys_core::conformance::{Harness, Task};
use apikeys_sqlx_store::SqliteStore;
use apikeys_test_leftovers::Folder;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{block_on, spawn_all};

/// How a database is opened.
#[derive(Clone, Copy)]
enum Way {
    File,
    Memory,
    /// The pool of a service, without write-ahead logging.
    RollbackJournal,
}

/// Opens databases in a folder of the test, and runs on tokio.
struct OnTokio {
    way: Way,
    folder: Folder,
    opened: AtomicU32,
}

impl OnTokio {
    fn new(way: Way) -> Self {
        Self { way, folder: Folder::new(), opened: AtomicU32::new(0) }
    }
}

impl Harness for OnTokio {
    type Store = SqliteStore;

    async fn open(&self) -> SqliteStore {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.path().join(format!("{number}.db"));
        match self.way {
            Way::File => SqliteStore::connect(&format!("sqlite:{}", path.display())).await.unwrap(),
            Way::Memory => SqliteStore::connect("sqlite::memory:").await.unwrap(),
            Way::RollbackJournal => {
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Delete)
                    // These tests are about locks, and faster without waiting for the disk.
                    .synchronous(SqliteSynchronous::Off);
                let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
                let store = SqliteStore::new(pool);
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

mod file {
    use super::*;

    apikeys_core::conformance_tests!(OnTokio::new(Way::File));
}

mod memory {
    use super::*;

    apikeys_core::conformance_tests!(OnTokio::new(Way::Memory));
}

mod rollback_journal {
    use super::*;

    apikeys_core::conformance_tests!(OnTokio::new(Way::RollbackJournal));
}
