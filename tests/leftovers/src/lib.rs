//! Collects the databases, logs and error texts of tests in one folder, and lists the secrets of tests in a file outside
//! that folder. The folder is searched for the secrets after all tests.
//!
//! `cargo xtask test` sets the environment variables `APIKEYS_TEST_ARTIFACTS` (the folder) and `APIKEYS_TEST_SECRETS`
//! (the file). Without these variables, both are in `target`.
//!
//! A test that names its folder calls [`Artifacts::new`]. Support code that several tests share calls
//! [`of_this_process`]. Under cargo-nextest, each test is a process and therefore gets its own folder.
//!
//! Every function panics if a file cannot be written, and the test then fails.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod artifacts;
mod folder;
mod places;
mod secrets;

pub use self::{
    artifacts::{Artifacts, of_this_process},
    folder::Folder,
    places::{root, target},
    secrets::note_secret,
};
