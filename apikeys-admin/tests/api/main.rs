//! The management API as clients see it, on the in-memory store. Every response is also checked
//! against the OpenAPI document.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod audit;
mod checked;
mod creation;
mod cursors;
mod document;
mod editing;
mod listing;
mod outage;
mod plan;
mod random;
mod refusals;
mod secrets;
mod support;
mod tenants;
mod usage;
