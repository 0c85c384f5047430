//! The settings page, as HTTP shows it, in axum and in actix-web.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod files;
mod frameworks;
mod shell;
mod texts;
