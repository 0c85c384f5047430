//! The management API over sockets, on an engine whose clock belongs to the test: settings pages of
//! another origin, and bodies that are not read.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod origins;
mod support;
mod unread_bodies;
