//! The limiter and its script on a real server.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod faults;
mod limiter;
mod log;
#[cfg(feature = "metrics")]
mod metrics;
mod model;
mod random;
mod script;
#[cfg(all(feature = "cluster", feature = "sentinel", feature = "rustls"))]
mod topologies;
