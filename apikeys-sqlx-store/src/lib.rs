//! Stores [API keys](apikeys_core) in PostgreSQL, MySQL, MariaDB or SQLite, through
//! [sqlx](https://docs.rs/sqlx) 0.9.
//!
//! With `new`, a store keeps its tables in the database of your service's pool. With `connect`, a store opens a database
//! by its URL:
//!
//! ```no_run
//! # #[cfg(all(feature = "postgres", feature = "sqlite"))]
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use apikeys_sqlx_store::{PostgresStore, SqliteStore};
//!
//! // Uses the service's own database. `migrate` creates missing tables.
//! let pool = sqlx::PgPool::connect("postgres://acme:password@localhost/acme").await?;
//! let store = PostgresStore::new(pool);
//! store.migrate().await?;
//!
//! // Opens a file of the store, and creates the file and its tables if they are missing.
//! let store = SqliteStore::connect("sqlite:keys.db").await?;
//! # Ok(())
//! # }
//! ```
//!
//! For tests, a SQLite database can be in memory. The database is deleted when the store is dropped:
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use apikeys_sqlx_store::{SqliteStore, apikeys_core::{OrgId, store::KeyStore}};
//!
//! let store = SqliteStore::connect("sqlite::memory:").await?;
//! assert_eq!(store.org(&OrgId::new("org_1")?).await?, None);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! ```
//!
//! # Features
//!
//! | feature | description | default |
//! | --- | --- | --- |
//! | `sqlite` | `SqliteStore`, with SQLite compiled into the program, which requires a C compiler | yes |
//! | `sqlite-unlinked` | `SqliteStore` for programs that choose their SQLite library themselves; enabled by the feature `sqlite` | yes |
//! | `postgres` | `PostgresStore` | no |
//! | `mysql` | `MySqlStore`, for MySQL and MariaDB | no |
//! | `runtime-tokio` | sqlx runs on tokio | yes |
//! | `runtime-smol` | sqlx runs on smol | no |
//!
//! Enable at least one runtime. Use and drop a store within that runtime.
//!
//! To link the system's SQLite, turn the default features off, enable `sqlite-unlinked`, and enable the feature
//! `sqlite-unbundled` of sqlx 0.9 in your own `Cargo.toml`.
//!
//! For encrypted connections to a server, enable one of the TLS features of sqlx 0.9 in your own `Cargo.toml`.
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
#[cfg(feature = "mysql")]
mod mysql;
mod operations;
mod pages;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod server;
mod session;
#[cfg(feature = "sqlite-unlinked")]
mod sqlite;
mod statements;
#[cfg(feature = "sqlite-unlinked")]
#[cfg(test)]
#[path = "../tests/store/common.rs"]
mod test_data;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod texts;
#[cfg(feature = "sqlite-unlinked")]
mod turns;
#[cfg(test)]
#[path = "../tests/store/values.rs"]
mod values;

#[doc(no_inline)]
pub use apikeys_core;

#[cfg(feature = "mysql")]
pub use self::mysql::MySqlStore;
#[cfg(feature = "postgres")]
pub use self::postgres::PostgresStore;
#[cfg(feature = "sqlite-unlinked")]
pub use self::sqlite::SqliteStore;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
