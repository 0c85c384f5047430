//! Tests of the layer with tower services, a hyper server and axum routers.

// The lints do not recognize the helper functions as tests.
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
