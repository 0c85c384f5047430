//! The project's chores: `cargo xtask help` lists them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod bench;
mod counts;
mod leftovers;
mod openapi;
mod readme;
mod scan;
mod step;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test              everything: examples, tests, doc tests, the API's document, README's
                              services, and the search for leaked secrets
cargo xtask openapi           only the API's document: a public validator, and a client generated from it
                              that manages keys; needs python3 with venv and pip
cargo xtask readme            only README's services, each in an empty project
cargo xtask bench quickstart  requests per second with the layer and without
cargo xtask bench audit       audit pages of a key with 8 million seconds of history, and
                              verifications beside sixteen such pages
cargo xtask scan              only the search for leaked secrets, in what the last tests left behind";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["test"] => test::run(),
        ["openapi"] => test::openapi_only(),
        ["readme"] => test::readme_only(),
        ["bench", "quickstart", rest @ ..] => bench::quickstart(rest),
        ["bench", "audit", rest @ ..] => bench::audit(rest),
        ["scan"] => test::scan_only(),
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => Err(HELP.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            if !message.is_empty() {
                eprintln!("{message}");
            }
            ExitCode::FAILURE
        }
    }
}
