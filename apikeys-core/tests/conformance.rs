//! Every store of this crate, and every pointer to such a store, meets all requirements of the conformance
//! suite.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;

use apikeys_core::{
    ManualClock, MemoryStore,
    conformance::{Harness, Task, faults::FaultStore, requirements},
    store::KeyStore,
};

/// A harness that opens a store with a function and runs the tests on tokio.
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

mod faultless {
    use super::*;

    apikeys_core::conformance_tests!(OnTokio(|| {
        FaultStore::new(MemoryStore::new(), Arc::new(ManualClock::default()))
    }));
}

/// Each test of the suite fails in the way that the attribute expects, which shows that each test has the
/// attribute.
mod with_attribute {
    use super::*;

    apikeys_core::conformance_tests!(
        #[should_panic(expected = "no store")]
        OnTokio(|| -> MemoryStore { panic!("no store") })
    );
}

#[test]
fn list_contains_every_requirement_once() {
    let listed: Vec<_> = requirements().iter().map(|requirement| format!("{requirement:?}")).collect();
    let mut written = Vec::new();
    for (group, text) in [
        ("keys", include_str!("../src/conformance/keys.rs")),
        ("secrets", include_str!("../src/conformance/secrets.rs")),
        ("quota", include_str!("../src/conformance/quota.rs")),
        ("changes", include_str!("../src/conformance/changes.rs")),
        ("recording", include_str!("../src/conformance/recording.rs")),
        ("audit", include_str!("../src/conformance/audit.rs")),
        ("usage", include_str!("../src/conformance/usage.rs")),
        ("organizations", include_str!("../src/conformance/organizations.rs")),
        ("forgetting", include_str!("../src/conformance/forgetting.rs")),
        ("warnings", include_str!("../src/conformance/warnings.rs")),
        ("coherence", include_str!("../src/conformance/coherence.rs")),
    ] {
        let functions = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        written.extend(functions.map(|line| format!("{group}::{}", line.split('(').next().unwrap())));
    }
    assert_eq!(listed, written);
    assert!(listed.len() > 100, "{} requirements", listed.len());
}

#[test]
fn requirement_can_be_checked_by_another_test_runner() {
    let harness = OnTokio(MemoryStore::new);
    for requirement in requirements().iter().filter(|requirement| requirement.group() == "usage") {
        assert!(!requirement.name().is_empty());
        requirement.check(&harness);
    }
}
