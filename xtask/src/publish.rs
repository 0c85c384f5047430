//! What can be checked of a publication without publishing.

use std::process::Stdio;

use crate::{
    outside::target_outside,
    step::Step,
    workspace::{Package, cargo, published},
};

/// Files that every package has.
const REQUIRED: [&str; 5] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "src/lib.rs"];

/// Two checks: what the packages hold, and a publication without upload.
pub(crate) fn steps() -> Vec<Step> {
    vec![
        Step::check("packages hold what they need, and no tests", contents),
        Step::check("packages build by themselves and could be published", dry_run),
    ]
}

fn contents() -> Result<String, String> {
    let mut lines = Vec::new();
    for package in published()? {
        let files = files(&package)?;
        if let Some(missing) = REQUIRED.iter().find(|required| !files.iter().any(|file| file == *required)) {
            return Err(format!("{}: {missing} is missing", package.name));
        }
        if let Some(file) = files.iter().find(|file| file.starts_with("tests/") && file.ends_with(".rs")) {
            return Err(format!("{}: {file} needs the workspace and is not to be published", package.name));
        }
        for (field, value) in [("documentation", &package.documentation), ("readme", &package.readme)] {
            if value.is_none() {
                return Err(format!("{}: the manifest has no `{field}`", package.name));
            }
        }
        lines.push(format!("{}: {} files", package.name, files.len()));
    }
    Ok(lines.join("\n"))
}

fn files(package: &Package) -> Result<Vec<String>, String> {
    let output = cargo(&["package", "--quiet", "--allow-dirty", "--list", "--package", &package.name])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("{} cannot be packaged; see above", package.name));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

/// Cargo packages all of them in the order of their dependencies and builds each from its package.
fn dry_run() -> Result<String, String> {
    let status = cargo(&["publish", "--dry-run", "--workspace", "--quiet", "--allow-dirty"])
        .env("CARGO_TARGET_DIR", target_outside())
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if status.success() { Ok("they do".to_owned()) } else { Err("they do not; see above".to_owned()) }
}
