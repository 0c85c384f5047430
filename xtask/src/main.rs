//! Commands for developers of this project. `cargo xtask help` lists them.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod bench;
mod browser;
mod counts;
mod databases;
mod examples;
mod leftovers;
mod mail_server;
mod openapi;
mod other_sqlx;
mod outside;
mod part;
mod publish;
mod python;
mod readme;
mod scan;
mod servers;
mod step;
#[cfg(test)]
mod tags;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use self::part::Part;

const HELP: &str = "\
Usage: cargo xtask COMMAND

test                          run all checks: build the examples, run tests, doc tests and the parts below,
                              and search the files of the tests for leaked secrets
test --without PART,PART      do the same without these parts, for example --without openapi,readme

These commands run one part of `test`:
browser                       run the tests in a real browser; needs chromium and chromedriver, which are installed
                              on Debian if the command runs as root, and npm
databases                     run the tests that need PostgreSQL, MariaDB or Redis, which are installed with apt as
                              root or with sudo, or with Homebrew
openapi                       check the OpenAPI document with a validator and with a generated client, which
                              manages keys; needs python3 with venv and pip
other-sqlx                    run the store in one program with sqlx 0.8
publish                       check the files of each package, and rehearse the publication
readme                        compile the two services in README, each in an empty project
scan                          search the files that the last tests left for leaked secrets

These commands prepare what the tests need for `cargo nextest run`:
mail-server                   install the mail server that tests send mails to; needs python3 with venv and pip
servers                       install PostgreSQL, MariaDB and Redis, with apt as root or with sudo, or with Homebrew
servers -- COMMAND            start the servers, run COMMAND with their URLs in its environment, and stop them

These commands measure:
bench targets                 all measurements that have a target, and one table of them
bench targets P3 P4           the measurements of these targets
bench verification            verifications of cached keys without a database, beside a SHA-256 and a look-up
bench layers                  what a layer adds to a request without a connection, beside other layers
bench loopback                requests per second over loopback, beside the services without the layer
bench loopback stored         the same with every request stored in SQLite and PostgreSQL
bench memory                  the memory of a key in use, and of an admitted request
bench stores                  verifications and recorded events of each store, beside plain statements of sqlx
bench stores requests         verified and recorded requests of each store, beside a SELECT and an UPDATE for each
bench stores keys             look-ups with ten million stored keys, beside ten thousand
bench stores pages            audit pages of a PostgreSQL database with ten million events
bench redis                   decisions of the limiter in Redis, beside a bare EVALSHA
bench instances               deletions with four instances, and the statements of an idle instance
bench quickstart              requests per second of the quickstart, with the layer and without it
bench audit                   audit pages of a key with 8 million seconds of history, and verifications
                              while sixteen such pages are read
bench forget                  forgetting an organization with 4 million events, while another organization
                              sends requests
bench record                  events per second that the store in SQLite records";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["test"] => test::run(&[]),
        ["test", "--without", parts] => Part::list(parts).and_then(|parts| test::run(&parts)),
        ["bench", "targets", numbers @ ..] => bench::targets(numbers),
        ["bench", name, rest @ ..] => bench::run(name, rest),
        ["scan"] => test::scan_only(),
        ["servers"] => servers::run(&[]),
        ["servers", "--", command @ ..] => servers::run(command),
        ["mail-server"] => test::mail_server_only(),
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        [name] if let Some(part) = Part::named(name) => test::only(part),
        [] => Err(HELP.to_owned()),
        unknown => Err(format!("unknown command: {}\n\n{HELP}", unknown.join(" "))),
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
