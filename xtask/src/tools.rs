use std::process::Stdio;

use crate::workspace::cargo;

/// Installs cargo-nextest if it is missing.
///
/// # Errors
///
/// Returns an error if cargo-nextest cannot be installed.
pub(crate) fn ensure_nextest() -> Result<(), String> {
    let version = cargo(&["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if version.success() {
        return Ok(());
    }
    println!("cargo-nextest is missing: installing it with `cargo install cargo-nextest --locked`");
    let installed = cargo(&["install", "cargo-nextest", "--locked"])
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if installed.success() {
        return Ok(());
    }
    Err("cannot install cargo-nextest, which runs the tests. Install it as https://nexte.st/docs/installation says, and \
         run `cargo xtask test` again."
        .to_owned())
}
