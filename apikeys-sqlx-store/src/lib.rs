//! Stores [API keys](apikeys_core) in SQLite, through [sqlx](https://docs.rs/sqlx) 0.9.
//!
//! [`SqliteStore::connect`] opens a database file that only the store uses. [`SqliteStore::new`] uses a pool
//! of your service, so that the tables are in the service's own database:
//!
//! ```no_run
//! use apikeys_sqlx_store::SqliteStore;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // Opens a file of the store, and creates the file and its tables if they are missing.
//! let store = SqliteStore::connect("sqlite:keys.db").await?;
//!
//! // Uses the service's own database.
//! let pool = sqlx::SqlitePool::connect("sqlite:service.db").await?;
//! let store = SqliteStore::new(pool);
//! store.migrate().await?;
//! # Ok(())
//! # }
//! ```
//!
//! For tests, a database can be in memory. The database is deleted when the store is dropped:
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
//! | feature | description | default |
//! | --- | --- | --- |
//! | `sqlite-bundled` | compiles SQLite into the program, which requires a C compiler | yes |
//! | `runtime-tokio` | sqlx runs on tokio | yes |
//! | `runtime-smol` | sqlx runs on smol | no |
//!
//! Enable at least one runtime. Use and drop a store within that runtime.
//!
//! To link the system's SQLite instead, turn the default features off and enable the feature
//! `sqlite-unbundled` of sqlx 0.9 in your own `Cargo.toml`.
//!
//! This crate does not enable the features `macros`, `time` and `uuid` of sqlx, because they can change the
//! types that sqlx's macros infer for your service's own queries.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(test)]
extern crate self as apikeys_sqlx_store;

mod argument;
mod backoff;
mod cells;
mod columns;
mod error;
mod ids;
mod key_store;
mod operations;
mod pages;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod server;
mod session;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;
#[cfg(all(test, feature = "sqlite"))]
#[path = "../tests/store/common.rs"]
mod test_data;
#[cfg(all(test, feature = "postgres"))]
#[path = "../tests/store/values.rs"]
mod test_values;
#[cfg(feature = "postgres")]
mod texts;
mod turns;

#[doc(no_inline)]
pub use apikeys_core;

#[cfg(feature = "postgres")]
pub use self::postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
