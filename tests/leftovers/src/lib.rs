//! What the tests of every crate leave to the search for leaked secrets: databases, logs and texts in
//! one folder, and a list of the secrets they issued outside that folder.
//!
//! `cargo xtask test` names both places in the environment, as `APIKEYS_TEST_ARTIFACTS` and
//! `APIKEYS_TEST_SECRETS`, and searches the folder after all tests. Without them, both are in `target`.
//!
//! A test with a name for its files uses [`Artifacts::new`]. The support code of a test binary calls
//! [`of_this_process`], which is a folder of the test's own under cargo-nextest.
//!
//! Every function panics if a file cannot be written: the test then fails.

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
    places::root,
    secrets::note_secret,
};
