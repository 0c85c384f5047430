use std::process::Stdio;

use crate::workspace::cargo;

/// Makes sure that `cargo nextest` can be run.
///
/// # Errors
///
/// When it is missing and cannot be installed.
pub(crate) fn ensure_nextest() -> Result<(), String> {
    let version = cargo(&["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if version.success() {
        return Ok(());
    }
    println!("cargo-nextest is missing: installing it with `cargo install cargo-nextest --locked`");
    let installed = cargo(&["install", "cargo-nextest", "--locked"])
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if installed.success() {
        return Ok(());
    }
    Err("cargo-nextest could not be installed. It runs the tests; install it by hand \
         (https://nexte.st/docs/installation) and run `cargo xtask test` again."
        .to_owned())
}
