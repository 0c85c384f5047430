use crate::workspace::cargo;

/// Measures the quickstart against the same service without the layer.
///
/// # Errors
///
/// When the measurement cannot be run.
pub(crate) fn quickstart(arguments: &[&str]) -> Result<(), String> {
    let status =
        cargo(&["run", "--release", "--package", "apikeys-benches", "--bin", "bench-quickstart", "--"])
            .args(arguments)
            .status()
            .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if status.success() { Ok(()) } else { Err("the measurement failed; see above".to_owned()) }
}
