//! Tests of the engine's public interface, on the store in memory and with a clock that only the tests move.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "a test fails by panicking; its numbers are small"
)]

mod log;
mod selective_store;
mod support;

mod cache;
mod changes_under_load;
mod denials;
mod forgetting;
mod immediate;
mod limits;
mod logging;
mod management;
mod outage;
mod peppers;
mod recording;
mod shared_limits;
mod shutdown;
mod verification;
mod warnings;
