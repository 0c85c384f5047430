use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use crate::store::KeyStore;

/// A future that [`Harness::run`] runs concurrently with others.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Opens stores for the tests of the suite, and runs the tests and their tasks.
pub trait Harness: Send + Sync + 'static {
    /// The type of the store, or of a pointer to the store.
    type Store: KeyStore;

    /// Opens an empty store that is ready for use. For a store in SQL, this is a database of its own, with
    /// all migrations applied. Each test opens one store. If no store can be opened, this method panics.
    fn open(&self) -> impl Future<Output = Self::Store> + Send;

    /// Runs all tasks concurrently, on several threads if possible, and returns when all tasks have finished.
    /// The suite calls this method within [`block_on`](Self::block_on).
    fn run(&self, tasks: Vec<Task>) -> impl Future<Output = ()> + Send;

    /// Runs `test` to completion. If `test` panics, this method panics.
    fn block_on(&self, test: impl Future<Output = ()>);

    /// Returns whether the store removes the rows of forgotten organizations in [`KeyStore::purge`]. The default
    /// is true. If this method returns false, the store removes all rows when an organization is forgotten, and
    /// the tests of the group `forgetting` check that a purge finds no rows to remove.
    fn supports_purge(&self) -> bool {
        true
    }

    /// Returns whether the store supports warnings before keys expire ([`KeyStore::warnings`]). The default is
    /// true. If this method returns false, the tests of the group `warnings` only check that [`KeyStore::warnings`]
    /// returns `None`.
    fn supports_warnings(&self) -> bool {
        true
    }

    /// Returns whether the store tells instances which keys have changed ([`KeyStore::coherence`]). The default is
    /// true. If this method returns false, the tests of the group `coherence` only check that
    /// [`KeyStore::coherence`] returns `None`.
    fn supports_coherence(&self) -> bool {
        true
    }
}

/// A [`Harness`] without its associated type. The tests take this trait, so that they are compiled once and
/// not once for each store. Every [`Harness`] implements this trait.
pub trait AnyHarness: Send + Sync {
    /// Opens a store in the same way as [`Harness::open`].
    fn open(&self) -> Pin<Box<dyn Future<Output = Arc<dyn KeyStore>> + Send + '_>>;

    /// Runs tasks concurrently in the same way as [`Harness::run`].
    fn run(&self, tasks: Vec<Task>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Returns the same as [`Harness::supports_purge`].
    fn supports_purge(&self) -> bool;

    /// Returns the same as [`Harness::supports_warnings`].
    fn supports_warnings(&self) -> bool;

    /// Returns the same as [`Harness::supports_coherence`].
    fn supports_coherence(&self) -> bool;
}

impl<H: Harness> AnyHarness for H {
    fn open(&self) -> Pin<Box<dyn Future<Output = Arc<dyn KeyStore>> + Send + '_>> {
        Box::pin(async { Arc::new(Harness::open(self).await) as Arc<dyn KeyStore> })
    }

    fn run(&self, tasks: Vec<Task>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(Harness::run(self, tasks))
    }

    fn supports_purge(&self) -> bool {
        Harness::supports_purge(self)
    }

    fn supports_warnings(&self) -> bool {
        Harness::supports_warnings(self)
    }

    fn supports_coherence(&self) -> bool {
        Harness::supports_coherence(self)
    }
}

/// Runs `futures` concurrently and returns their outputs, in any order.
pub(super) async fn race<T: Send + 'static>(
    harness: &dyn AnyHarness,
    futures: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let results = Arc::new(Mutex::new(Vec::new()));
    let mut tasks: Vec<Task> = Vec::new();
    for future in futures {
        let results = Arc::clone(&results);
        tasks.push(Box::pin(async move {
            let result = future.await;
            results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
        }));
    }
    let expected = tasks.len();
    harness.run(tasks).await;
    let results = std::mem::take(&mut *results.lock().unwrap_or_else(PoisonError::into_inner));
    assert_eq!(results.len(), expected, "the harness must run every task to its end");
    results
}
