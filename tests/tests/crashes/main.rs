//! The audit log and the keys after the service was stopped or killed, and after the database server was killed.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod changes;
mod kills;
mod measure;
mod scene;
mod server_kills;
mod stops;
mod warnings;
