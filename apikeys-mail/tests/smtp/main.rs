//! Mails sent to a real mail server on this machine, aiosmtpd.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod certificates;
mod content;
mod encryption;
mod failures;
mod login;
mod names;
mod refusals;
mod support;
