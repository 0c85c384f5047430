//! The Developer settings page in Chromium, on the quickstart of each framework. The tests find elements by role and
//! accessible name where a reader would, and by the selectors of the page elsewhere.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod accessibility;
mod audit;
mod copying;
mod creation;
mod editing;
mod embedded;
mod front;
mod german;
mod layout;
mod listing;
mod loading;
mod mail;
mod many_keys;
mod names;
mod outages;
mod parts;
mod phone;
mod plans;
mod polling;
mod scene;
mod secret;
mod surroundings;
mod usage;
