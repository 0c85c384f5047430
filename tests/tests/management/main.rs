//! The management API over sockets, with a manual clock: settings pages of another origin, and requests whose body is
//! not read.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod origins;
mod support;
mod unread_bodies;
