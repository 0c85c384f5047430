//! Starts PostgreSQL, MariaDB and Redis servers for tests, and creates databases in them.
//!
//! A test that needs a database calls [`Postgres::database`] or [`MySql::database`]. The database is new and empty,
//! and is removed when the value is dropped. It is in the server that the environment variable
//! `APIKEYS_TEST_POSTGRES_URL` or `APIKEYS_TEST_MYSQL_URL` names. `cargo xtask test` starts all servers and sets the
//! variables, and `cargo xtask servers -- COMMAND` does the same for another command. Without the variable, both
//! functions panic and say so.
//!
//! A test that needs Redis calls [`redis_url`]. All tests share the keys of that server, so each uses names or ids of its
//! own.
//!
//! A test that kills a server starts a [`PrivateServer`], which nothing else uses.
//!
//! Each test that needs a server has the attribute `#[ignore = "needs a server: run cargo xtask test"]`. A plain
//! `cargo test --workspace` therefore works without any server, and lists these tests as ignored. `cargo xtask test`
//! runs ignored tests too.
//!
//! # How servers end
//!
//! A server runs as a process group of its own, so that Ctrl-C in the terminal does not reach it. Dropping the
//! [`Server`] stops the server. If the process that started the server ends in any other way, even by SIGKILL, a small
//! shell script notices it: the script waits for the end of a pipe that only that process holds. The script
//! then stops the server and removes its folder.

#![cfg_attr(
    feature = "tests",
    allow(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::missing_panics_doc,
        clippy::panic,
        clippy::print_stderr,
        clippy::unwrap_used,
        reason = "a test fails by panicking"
    )
)]

mod account;
#[cfg(feature = "tests")]
mod database;
mod engine;
mod guardian;
mod mariadb;
mod postgres;
#[cfg(feature = "tests")]
mod private_server;
mod processes;
mod programs;
mod random;
mod redis;
mod server;

#[cfg(feature = "tests")]
pub use self::{
    database::{Driver, MySql, Postgres, TestDatabase, redis_url},
    private_server::PrivateServer,
};
pub use self::{engine::Engine, programs::is_installed, server::Server};
