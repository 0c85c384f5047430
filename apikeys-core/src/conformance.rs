//! The promises that every [`KeyStore`](crate::store::KeyStore) keeps, as tests: for this project's stores and for yours.
//!
//! Implement [`Harness`] for your store, then let [`conformance_tests!`](crate::conformance_tests)
//! make a named `#[test]` of each promise. Put the macro into a module of its own, because it adds
//! a module for each group of promises. The suite names no async runtime; yours is in the harness.
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
//!     apikeys_core::conformance_tests!(super::OnTokio);
//! }
//! # fn main() {}
//! ```
//!
//! A promise that is not kept panics. [`promises`] lists them for a runner of one's own.
//! [`faults`] has a store that fails on purpose, to test what is built on a store.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

pub mod audit;
pub mod changes;
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

pub use harness::{AnyHarness, Harness, Task};
#[doc(hidden)]
pub use list::check;
pub use list::{Promise, promises};
