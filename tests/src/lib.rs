//! What the tests across crates share: the quickstart as a process, an HTTP client that sends
//! exactly what it is told, and the folder that everything is left in to be searched for secrets; and
//! in [`contract`], what every quickstart promises.
//!
//! Whatever goes wrong here panics: it is a test that fails.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod admin;
mod busy_database;
pub mod contract;
mod frameworks;
mod http;
mod in_process;
mod load;
mod quickstart;
mod secret;

pub use admin::{Admin, Issued};
pub use apikeys_test_leftovers::Artifacts;
pub use busy_database::BusyDatabase;
pub use http::{Connection, Request, Response};
pub use in_process::InProcess;
pub use load::{Load, Seen};
pub use quickstart::{Quickstart, command};
pub use secret::{checksum, with_another_body};
