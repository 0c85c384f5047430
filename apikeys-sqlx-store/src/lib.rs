//! Stores for [API keys](apikeys_core) on [sqlx](https://docs.rs/sqlx): SQLite.
//!
//! ```no_run
//! use apikeys_sqlx_store::SqliteStore;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // A file of its own: opened, created if it is missing, and migrated.
//! let store = SqliteStore::connect("sqlite:acme-keys.db").await?;
//!
//! // Or beside the service's own tables.
//! let pool = sqlx::SqlitePool::connect("sqlite:acme.db").await?;
//! let store = SqliteStore::new(pool);
//! store.migrate().await?;
//! # Ok(())
//! # }
//! ```
//!
//! A database in memory needs no file and leaves none:
//!
//! ```
//! use apikeys_sqlx_store::{SqliteStore, apikeys_core::{OrgId, store::KeyStore}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = SqliteStore::connect("sqlite::memory:").await?;
//! assert_eq!(store.org(&OrgId::new("org_1")?).await?, None);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | what | default |
//! | --- | --- | --- |
//! | `sqlite-bundled` | SQLite is compiled in | yes |
//! | `runtime-tokio` | sqlx runs on tokio | yes |
//! | `runtime-smol` | sqlx runs on smol | |
//!
//! Exactly one of each pair is needed. A store must be used, and dropped, within the runtime.
//! sqlx's features `macros`, `time` and `uuid` stay off: they would change what the host's own
//! queries mean.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(test)]
extern crate self as apikeys_sqlx_store;

mod error;
mod sqlite;
#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod test_data;

#[doc(no_inline)]
pub use apikeys_core;

pub use self::sqlite::SqliteStore;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
