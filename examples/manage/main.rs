//! Manages the API keys of a running quickstart from a terminal, over the management API.
//!
//! Run `ADMIN_TOKEN=… cargo run --example manage -- help` with the admin token of the quickstart.

#![allow(clippy::print_stderr, reason = "a program for a terminal")]

use std::{
    io::{self, Write},
    process::ExitCode,
};

use apikeys_example_manage::{Arguments, carry_out};
use clap::Parser;

fn main() -> ExitCode {
    let done = carry_out(Arguments::parse()).and_then(|text| {
        let cannot = |error| format!("error: the result cannot be printed: {error}");
        io::stdout().write_all(text.as_bytes()).map_err(cannot)
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
