use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// The folder that cargo builds in.
pub(crate) fn target() -> PathBuf {
    let root = root();
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root.join(folder),
        None => root.join("target"),
    }
}

/// Cargo's home folder, which holds what cargo has downloaded and unpacked.
///
/// # Errors
///
/// Returns an error if neither `CARGO_HOME` nor a home folder is set.
pub(crate) fn cargo_home() -> Result<PathBuf, String> {
    match env::var_os("CARGO_HOME").filter(|home| !home.is_empty()) {
        Some(home) => Ok(root().join(home)),
        None => env::home_dir()
            .map(|home| home.join(".cargo"))
            .ok_or_else(|| "cannot find cargo's home folder: set CARGO_HOME".to_owned()),
    }
}

/// Returns a command of the cargo that runs this program, in the root of the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root()).env("CARGO_TERM_COLOR", "never");
    // The build script of ring reads these variables, which cargo sets for this program. With other values than in a shell,
    // cargo would build ring and all that depends on it again.
    for (name, _) in env::vars_os() {
        let package = ["CARGO_MANIFEST_", "CARGO_PKG_"];
        if name.to_str().is_some_and(|name| package.iter().any(|start| name.starts_with(start))) {
            command.env_remove(name);
        }
    }
    command
}

/// A package that is published.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) folder: PathBuf,
    pub(crate) documentation: Option<String>,
    pub(crate) readme: Option<String>,
}

/// Returns the packages of the workspace that are published.
///
/// # Errors
///
/// Returns an error if cargo does not describe the workspace, or if no package is published.
pub(crate) fn published() -> Result<Vec<Package>, String> {
    // `publish` is null without restrictions, and an empty list for `publish = false`.
    let is_published = |package: &&Value| package.get("publish").is_some_and(Value::is_null);
    let published: Vec<Package> = described()?.iter().filter(is_published).filter_map(package).collect();
    if published.is_empty() {
        Err("the workspace has no package to publish: all have `publish = false`".to_owned())
    } else {
        Ok(published)
    }
}

/// Returns the names of all packages of the workspace.
///
/// # Errors
///
/// Returns an error if cargo does not describe the workspace.
pub(crate) fn members() -> Result<Vec<String>, String> {
    let name = |package: &Value| package.get("name").and_then(Value::as_str).map(str::to_owned);
    Ok(described()?.iter().filter_map(name).collect())
}

/// Returns the packages of the workspace as `cargo metadata` describes them.
fn described() -> Result<Vec<Value>, String> {
    let output = cargo(&["metadata", "--no-deps", "--format-version", "1"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err("`cargo metadata` failed; its output is above".to_owned());
    }
    let mut metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cannot read the output of `cargo metadata`: {error}"))?;
    match metadata.get_mut("packages").map(Value::take) {
        Some(Value::Array(packages)) if !packages.is_empty() => Ok(packages),
        _ => Err("`cargo metadata` lists no packages".to_owned()),
    }
}

fn package(metadata: &Value) -> Option<Package> {
    let text = |field: &str| metadata.get(field).and_then(Value::as_str).map(str::to_owned);
    let manifest = PathBuf::from(text("manifest_path")?);
    Some(Package {
        name: text("name")?,
        version: text("version")?,
        folder: manifest.parent()?.to_owned(),
        documentation: text("documentation"),
        readme: text("readme"),
    })
}
