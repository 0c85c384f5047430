//! Starts a mail server for tests: [aiosmtpd](https://aiosmtpd.aio-libs.org), which is not part of this project. The
//! server parses each mail with Python's own parser.
//!
//! `cargo xtask test` installs aiosmtpd in `target`. `cargo xtask mail-server` installs nothing else. Without it,
//! [`MailServer::start`] panics and says so.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod mail;
mod server;
mod settings;

pub use self::{
    mail::{Mail, Parsed, Part},
    server::MailServer,
    settings::{Cut, Encryption, Settings},
};
