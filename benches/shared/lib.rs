//! What the measurements share: an engine with many cached keys, layers to compare with, medians, and the table of targets.

#![allow(clippy::print_stderr, reason = "for programs for a terminal")]

mod engine;
pub mod headers_only;
mod line;
mod stats;
mod store;
mod times;

use std::{error::Error, process::ExitCode};

pub use self::{
    engine::{Engine, secrets},
    line::{Line, Target},
    stats::{median, number, order, per, time},
    store::Planted,
    times::Times,
};

/// The result of a measurement.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Prints the error of a failed measurement, and returns the exit code of the program.
#[must_use]
pub fn exit(done: Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
