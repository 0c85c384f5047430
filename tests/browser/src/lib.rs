//! Tests in Chromium: the code that starts the browser, finds elements by their role and name, and watches for
//! faults.
//!
//! [`run`] starts a browser for one test. The test fails if the browser has seen one of these faults, which
//! chromedriver's own logs list:
//!
//! * a warning or an error in the console, which includes exceptions and rejected promises that no code handled,
//! * a violation of the content security policy,
//! * a request to another origin.
//!
//! A test names the messages that it provokes, such as that of a refused request, with [`Browser::expect`].
//!
//! Chromium and chromedriver must be installed. `cargo xtask browser` installs what is missing, runs the tests, and
//! puts axe-core into the target folder.
//!
//! Every function panics on an error, and the test then fails.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod accessibility;
mod browser;
mod driver;
mod element;
mod fault;
mod keyboard;
mod run;
mod screen;
mod touch;
mod wait;

pub use self::{
    browser::Browser,
    element::Element,
    fault::Fault,
    run::run,
    screen::{Device, Scheme},
};
