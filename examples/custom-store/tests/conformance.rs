//! The requirements on every store, on the store itself and on pointers to it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use apikeys_core::{
    conformance::{Harness, Task},
    store::KeyStore,
};
use apikeys_example_custom_store::MapStore;

/// Opens a store with a function, and runs the tests on tokio.
struct OnTokio<S>(fn() -> S);

impl<S: KeyStore> Harness for OnTokio<S> {
    type Store = S;

    async fn open(&self) -> S {
        (self.0)()
    }

    async fn run(&self, tasks: Vec<Task>) {
        let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
        for task in running {
            task.await.unwrap();
        }
    }

    fn block_on(&self, test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
        runtime.unwrap().block_on(test);
    }

    // The two optional parts of a store.
    fn supports_purge(&self) -> bool {
        false
    }

    fn supports_warnings(&self) -> bool {
        false
    }

    fn supports_coherence(&self) -> bool {
        false
    }
}

mod store {
    use super::*;

    apikeys_core::conformance_tests!(OnTokio(MapStore::new));
}

mod shared {
    use super::*;

    apikeys_core::conformance_tests!(OnTokio(|| -> Arc<dyn KeyStore> { Arc::new(MapStore::new()) }));
}

mod boxed {
    use super::*;

    apikeys_core::conformance_tests!(OnTokio(|| -> Box<dyn KeyStore> { Box::new(MapStore::new()) }));
}
