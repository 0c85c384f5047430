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

mod answers;
mod bodies;
mod credentials;
mod endings;
mod extractors;
mod middleware;
mod peers;
mod routing;
mod spawn;
mod support;
mod wire;
