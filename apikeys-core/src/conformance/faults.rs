//! Stores for tests of code that depends on a store: [`FaultStore`] fails on purpose, and
//! [`InterceptedStore`] replaces some methods of another store.
//!
//! ```
//! use std::sync::Arc;
//! use apikeys_core::{MemoryStore, OrgId, SystemClock, store::KeyStore};
//! use apikeys_core::conformance::faults::{Fault, FaultStore, Method};
//!
//! # pollster::block_on(async {
//! let store = FaultStore::new(MemoryStore::new(), Arc::new(SystemClock::new()));
//! let org = OrgId::new("org_1")?;
//!
//! store.faults().once(Method::Org, Fault::Error);
//! assert!(store.org(&org).await.is_err());
//! assert!(store.org(&org).await.is_ok());
//! assert_eq!(store.faults().calls(Method::Org), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod method;
mod script;
mod store;

pub use method::{InterceptedStore, Interceptor, Method};
pub use script::{Fault, Faults};
pub use store::FaultStore;
