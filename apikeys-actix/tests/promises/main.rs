//! What an actix service behind the middleware promises, in process and over real sockets.

// Of helpers, which no lint takes for tests.
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
