//! Tests of the code that drives the browser: planted faults are found, and a browser never outlives its test.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod accessibility;
mod elements;
mod faults;
mod lifetime;
mod screenshots;
mod site;
