//! The audit log after the process was stopped or killed.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod kills;
mod measure;
mod scene;
mod stops;
mod warnings;
