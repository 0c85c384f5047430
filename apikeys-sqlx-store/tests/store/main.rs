//! Tests of the store on database files.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;
mod damage;
mod deletion;
mod isolation;
mod opening;
mod purge;
mod rows;
mod transactions;
mod values;
mod warnings;
