//! What a service behind the layer promises, on plain tower, on hyper over real sockets, and on
//! axum. Modules that need feature `axum` say so.

// Of helpers, which no lint takes for tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, unreachable_pub)]

mod bodies;
mod endings;
#[cfg(feature = "axum")]
mod extractors;
mod nested;
mod peers;
mod routing;
mod service;
mod shared;
mod support;
mod wire;
