use std::process::Command;

use crate::{leftovers::Leftovers, servers::Servers, workspace::cargo};

/// Measures the requests per second of the quickstart, and of the same service without the layer.
///
/// # Errors
///
/// Returns an error if the measurement cannot be run or fails.
pub(crate) fn quickstart(arguments: &[&str]) -> Result<(), String> {
    run("bench-quickstart", arguments)
}

/// Measures how long audit pages of a key with a long history take, and verifications at the same time.
///
/// # Errors
///
/// Returns an error if the measurement cannot be run or fails.
pub(crate) fn audit(arguments: &[&str]) -> Result<(), String> {
    run("bench-audit", arguments)
}

/// Measures how long it takes to forget a large organization while another organization sends requests.
///
/// # Errors
///
/// Returns an error if the measurement cannot be run or fails.
pub(crate) fn forget(arguments: &[&str]) -> Result<(), String> {
    run("bench-forget", arguments)
}

/// Measures how many events per second the store records.
///
/// # Errors
///
/// Returns an error if the measurement cannot be run or fails.
pub(crate) fn record(arguments: &[&str]) -> Result<(), String> {
    run("bench-record", arguments)
}

/// Measures what a verification of a cached key costs.
///
/// # Errors
///
/// Returns an error if the measurement cannot be run or fails.
pub(crate) fn verification(arguments: &[&str]) -> Result<(), String> {
    run("bench-verification", arguments)
}

/// Compares the stores with plain statements of sqlx, on servers of its own.
///
/// # Errors
///
/// Returns an error if a server does not start, or if the measurement cannot be run or fails.
pub(crate) fn stores(arguments: &[&str]) -> Result<(), String> {
    let servers = Servers::for_measurements(&Leftovers::in_target())?;
    finish(servers.pass_to(command("bench-stores", arguments)))
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    finish(command(program, arguments))
}

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = cargo(&["run", "--release", "--package", "apikeys-benches", "--bin", program, "--"]);
    command.args(arguments);
    command
}

fn finish(mut command: Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("cannot run cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err("the measurement failed; its output is above".to_owned()) }
}
