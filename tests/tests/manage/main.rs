//! The program `manage` with a running quickstart.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod keys;
mod record;
mod refusals;
mod services;
mod terminal;
