//! Tests of the requirements on every [`KeyStore`](crate::store::KeyStore), for the stores of this project
//! and for your own.
//!
//! Implement [`Harness`] for your store and call [`conformance_tests!`](crate::conformance_tests), which
//! defines a `#[test]` for each requirement. Call the macro in a module of its own, because the macro adds a
//! module for each group of requirements. The suite does not depend on an async runtime, because the harness
//! selects the runtime.
//!
//! ```
//! use apikeys_core::{MemoryStore, conformance::{Harness, Task}};
//!
//! struct OnTokio;
//!
//! impl Harness for OnTokio {
//!     type Store = MemoryStore;
//!
//!     async fn open(&self) -> MemoryStore {
//!         MemoryStore::new()
//!     }
//!
//!     async fn run(&self, tasks: Vec<Task>) {
//!         let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
//!         for task in running {
//!             task.await.unwrap();
//!         }
//!     }
//!
//!     fn block_on(&self, test: impl Future<Output = ()>) {
//!         let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
//!         runtime.unwrap().block_on(test);
//!     }
//! }
//!
//! mod memory {
//!     use super::OnTokio;
//!
//!     apikeys_core::conformance_tests!(OnTokio);
//! }
//! # fn main() {}
//! ```
//!
//! [`KeyStore`](crate::store::KeyStore) has three optional parts. For a store without one of them, implement
//! [`Harness::supports_purge`], [`Harness::supports_warnings`] or [`Harness::supports_coherence`]. The module
//! [`store`](crate::store) explains how to write a store. The folder `examples/custom-store` of the repository has a
//! complete store without the optional parts, and its tests.
//!
//! If the tests need a server that is not always there, give them an attribute:
//! `conformance_tests!(#[ignore = "needs a server"] OnServer)`.
//!
//! A test panics if the store does not meet the requirement. [`requirements`] returns all requirements, for a
//! test runner of your own. [`faults`] has a store that fails on purpose, for tests of code that depends on a
//! store.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

pub mod audit;
pub mod changes;
pub mod coherence;
pub mod faults;
mod fixture;
pub mod forgetting;
mod harness;
pub mod keys;
mod list;
pub mod organizations;
pub mod quota;
pub mod recording;
pub mod secrets;
pub mod usage;
pub mod warnings;

pub use harness::{AnyHarness, Harness, Task};
#[doc(hidden)]
pub use list::check;
pub use list::{Requirement, requirements};
