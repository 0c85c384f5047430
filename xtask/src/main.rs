//! The project's chores: `cargo xtask help` lists them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod bench;
mod counts;
mod leftovers;
mod openapi;
mod other_sqlx;
mod outside;
mod part;
mod publish;
mod readme;
mod scan;
mod step;
#[cfg(test)]
mod tags;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use self::part::Part;

const HELP: &str = "\
cargo xtask test              all checks: examples, tests, doc tests, the parts below, and the search for
                              leaked secrets
cargo xtask test --without openapi,other-sqlx,publish,readme
                              the same without these parts; the last line names them
cargo xtask openapi           only the API's document: a public validator, and a client generated from the
                              document that manages keys; needs python3 with venv and pip
cargo xtask other-sqlx        only the store in one program with another version of sqlx
cargo xtask publish           only the packages: what they hold, and a publication without upload
cargo xtask readme            only README's services, each in an empty project
cargo xtask bench quickstart  requests per second with the layer and without
cargo xtask bench audit       audit pages of a key with 8 million seconds of history, and
                              verifications beside sixteen such pages
cargo xtask bench forget      an organization with 4 million events, forgotten beside the requests
                              of another one
cargo xtask bench record      events that the store records in a second
cargo xtask scan              only the search for leaked secrets, in what the last tests left behind";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["test"] => test::run(&[]),
        ["test", "--without", parts] => Part::list(parts).and_then(|parts| test::run(&parts)),
        ["bench", "quickstart", rest @ ..] => bench::quickstart(rest),
        ["bench", "audit", rest @ ..] => bench::audit(rest),
        ["bench", "forget", rest @ ..] => bench::forget(rest),
        ["bench", "record", rest @ ..] => bench::record(rest),
        ["scan"] => test::scan_only(),
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        [name] if let Some(part) = Part::named(name) => test::only(part),
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
