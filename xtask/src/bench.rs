use crate::workspace::cargo;

/// Measures the quickstart against the same service without the layer.
///
/// # Errors
///
/// If the measurement cannot be run.
pub(crate) fn quickstart(arguments: &[&str]) -> Result<(), String> {
    run("bench-quickstart", arguments)
}

/// Measures audit pages of a key with a long history, and verifications beside them.
///
/// # Errors
///
/// If the measurement cannot be run.
pub(crate) fn audit(arguments: &[&str]) -> Result<(), String> {
    run("bench-audit", arguments)
}

/// Measures how a large organization is forgotten beside the requests of another one.
///
/// # Errors
///
/// If the measurement cannot be run.
pub(crate) fn forget(arguments: &[&str]) -> Result<(), String> {
    run("bench-forget", arguments)
}

/// Measures how many events a second the store records.
///
/// # Errors
///
/// If the measurement cannot be run.
pub(crate) fn record(arguments: &[&str]) -> Result<(), String> {
    run("bench-record", arguments)
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let status = cargo(&["run", "--release", "--package", "apikeys-benches", "--bin", program, "--"])
        .args(arguments)
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if status.success() { Ok(()) } else { Err("the measurement failed; see above".to_owned()) }
}
