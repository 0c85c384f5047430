use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use crate::store::KeyStore;

/// One of several things that a promise does at once.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How the suite gets at a store, and at threads to press it with.
pub trait Harness: Send + Sync + 'static {
    /// The store, or a pointer to it.
    type Store: KeyStore;

    /// Opens a store that is ready for use and holds nothing: for SQL, a database of its own with
    /// all migrations done. Each promise asks for one; a harness that cannot give one panics.
    fn open(&self) -> impl Future<Output = Self::Store> + Send;

    /// Runs all tasks at the same time, on several threads if it can, and returns when all are
    /// done. Called within [`block_on`](Self::block_on).
    fn run(&self, tasks: Vec<Task>) -> impl Future<Output = ()> + Send;

    /// Drives one test to its end, passing its panic on.
    fn block_on(&self, test: impl Future<Output = ()>);
}

/// A [`Harness`] without its types: what the promises are given, so that they are compiled once
/// and not for each store. Every harness is one.
pub trait AnyHarness: Send + Sync {
    /// Opens a store, as [`Harness::open`] does.
    fn open(&self) -> Pin<Box<dyn Future<Output = Arc<dyn KeyStore>> + Send + '_>>;

    /// Runs tasks at the same time, as [`Harness::run`] does.
    fn run(&self, tasks: Vec<Task>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

impl<H: Harness> AnyHarness for H {
    fn open(&self) -> Pin<Box<dyn Future<Output = Arc<dyn KeyStore>> + Send + '_>> {
        Box::pin(async { Arc::new(Harness::open(self).await) as Arc<dyn KeyStore> })
    }

    fn run(&self, tasks: Vec<Task>) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(Harness::run(self, tasks))
    }
}

/// Runs `futures` at the same time and returns what each came to, in any order.
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
