//! The program `manage` against a running quickstart: what administrators can do, over HTTP.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod keys;
mod record;
mod refusals;
mod services;
mod terminal;
