//! Tests of the middleware with actix-web services, in process and over TCP.

// The lints do not recognize the helper functions as tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

mod bodies;
mod endings;
mod extractors;
mod middleware;
mod nested;
mod peers;
mod routing;
mod shared;
mod spawn;
mod support;
mod wire;
