//! Support code of the tests across crates: the quickstart as a process, an HTTP client that adds nothing to a
//! request, and folders whose files are searched for secrets. The module [`contract`] has the HTTP contract of every
//! quickstart.
//!
//! Every function panics on an error, and the test then fails.

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
mod database;
mod frameworks;
mod http;
mod in_process;
mod load;
mod quickstart;
mod secret;

pub use admin::{Admin, Issued};
pub use apikeys_test_leftovers::Artifacts;
pub use busy_database::BusyDatabase;
pub use database::{Database, NewDatabase};
pub use http::{Connection, Request, Response, TOKEN};
pub use in_process::InProcess;
pub use load::{Load, Seen};
pub use quickstart::{Quickstart, command};
pub use secret::{checksum, with_another_body};
