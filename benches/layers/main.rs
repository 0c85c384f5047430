//! `cargo xtask bench layers` measures what a layer adds to a request in this process, without a connection.
//!
//! A layer adds the difference between a service with the layer and the same service without it. Ours verifies the key,
//! takes a place in the exact rate limit, records an event and adds the headers of the rate limit. The rounds of all
//! services alternate, and the medians of all rounds are printed. A ratio is the median of the ratios of the rounds.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod actix;
mod axum;
mod rounds;

use std::{env, process::ExitCode};

use apikeys_benches::{Result, exit};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    exit(match arguments.as_slice() {
        [] => all(),
        ["axum", keys] => number(keys).and_then(axum::measure),
        ["actix", keys] => number(keys).and_then(actix::measure),
        ["axum-profile", keys] => number(keys).and_then(axum::profile),
        ["actix-profile", keys] => number(keys).and_then(actix::profile),
        _ => {
            Err("usage: bench-layers [axum KEYS | actix KEYS | axum-profile KEYS | actix-profile KEYS]"
                .into())
        }
    })
}

fn all() -> Result<()> {
    axum::measure(1_000)?;
    axum::measure(100_000)?;
    actix::measure(1_000)
}

fn number(text: &str) -> Result<usize> {
    Ok(text.parse()?)
}
