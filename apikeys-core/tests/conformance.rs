//! Every store of this crate, and every pointer to one, keeps every promise.

use std::sync::Arc;

use apikeys_core::{
    MemoryStore,
    conformance::{Harness, Task},
    store::KeyStore,
};

/// Opens a store with a function, and runs on tokio.
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
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        runtime.block_on(test);
    }
}

mod memory {
    use super::*;

    apikeys_core::conformance_tests!(OnTokio(MemoryStore::new));
}

mod shared {
    use super::*;

    apikeys_core::conformance_tests!(OnTokio(|| -> Arc<dyn KeyStore> { Arc::new(MemoryStore::new()) }));
}

mod boxed {
    use super::*;

    apikeys_core::conformance_tests!(OnTokio(|| -> Box<dyn KeyStore> { Box::new(MemoryStore::new()) }));
}
