//! Stores for [`apikeys_core`] on [`sqlx`]: SQLite.
//!
//! ```no_run
//! use apikeys_sqlx_store::SqliteStore;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = SqliteStore::connect("sqlite:/var/lib/acme/keys.db").await?;
//! # Ok(()) }
//! ```

mod error;
mod sqlite;

pub use apikeys_core as core;

pub use self::sqlite::SqliteStore;
