//! The checks of a publication that are possible without publishing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use crate::{
    outside::target_outside,
    step::Step,
    workspace::{Package, cargo, cargo_home, published},
};

/// Files that every package has.
const REQUIRED: [&str; 5] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "src/lib.rs"];

/// Two checks: the files of each package, and a publication without upload.
pub(crate) fn steps() -> Vec<Step> {
    vec![
        Step::check("packages contain the required files and no tests", contents),
        Step::check("packages build on their own and can be published", dry_run),
    ]
}

fn contents() -> Result<String, String> {
    let mut lines = Vec::new();
    for package in published()? {
        let files = files(&package)?;
        if let Some(missing) = REQUIRED.iter().find(|required| !files.iter().any(|file| file == *required)) {
            return Err(format!("the package {} lacks the file {missing}", package.name));
        }
        if let Some(file) = files.iter().find(|file| file.starts_with("tests/") && file.ends_with(".rs")) {
            return Err(format!(
                "the package {} contains {file}, which compiles only in this workspace: exclude it in the \
                 manifest",
                package.name
            ));
        }
        for (field, value) in [("documentation", &package.documentation), ("readme", &package.readme)] {
            if value.is_none() {
                return Err(format!("the manifest of {} lacks the field `{field}`", package.name));
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
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo cannot list the files of {}; its output is above", package.name));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

/// Cargo packages all crates in the order of their dependencies and builds each crate from its package.
fn dry_run() -> Result<String, String> {
    forget_earlier_packages(&published()?)?;
    let status = cargo(&["publish", "--dry-run", "--workspace", "--quiet", "--allow-dirty"])
        .env("CARGO_TARGET_DIR", target_outside())
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if status.success() {
        Ok("every package was built from its published files".to_owned())
    } else {
        Err("`cargo publish --dry-run --workspace` failed; its output is above".to_owned())
    }
}

/// Removes what cargo unpacked and compiled of the packages in an earlier dry run.
///
/// Cargo takes a package of the same version for the same package, and would build the others against the
/// earlier code.
fn forget_earlier_packages(packages: &[Package]) -> Result<(), String> {
    for copy in unpacked(&cargo_home()?.join("registry/src"), packages)? {
        fs::remove_dir_all(&copy).map_err(|error| format!("cannot remove {}: {error}", copy.display()))?;
    }
    let mut clean = cargo(&["clean", "--quiet"]);
    for package in packages {
        clean.args(["--package", &package.name]);
    }
    let status = clean
        .env("CARGO_TARGET_DIR", target_outside())
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err("`cargo clean` failed; its output is above".to_owned()) }
}

/// Returns the unpacked copies of the packages that came from a dry run. They are in folders whose names
/// begin with `-`, because the temporary registry of a dry run has no host name.
fn unpacked(sources: &Path, packages: &[Package]) -> Result<Vec<PathBuf>, String> {
    if !sources.exists() {
        return Ok(Vec::new());
    }
    let cannot = |error| format!("cannot read {}: {error}", sources.display());
    let mut copies = Vec::new();
    for registry in fs::read_dir(sources).map_err(cannot)? {
        let registry = registry.map_err(cannot)?;
        if !registry.file_name().to_string_lossy().starts_with('-') {
            continue;
        }
        let folders = packages.iter().map(|package| format!("{}-{}", package.name, package.version));
        copies.extend(folders.map(|folder| registry.path().join(folder)).filter(|copy| copy.is_dir()));
    }
    Ok(copies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpacked_copies_are_those_of_the_packages_in_registries_without_a_host() {
        let sources = tempfile::tempdir().unwrap();
        for folder in ["-1f/core-0.1.0", "-1f/core-0.2.0", "-1f/other-0.1.0", "index.crates.io-1f/core-0.1.0"]
        {
            fs::create_dir_all(sources.path().join(folder)).unwrap();
        }
        let core = Package {
            name: "core".to_owned(),
            version: "0.1.0".to_owned(),
            folder: PathBuf::new(),
            documentation: None,
            readme: None,
        };
        let copies = unpacked(sources.path(), std::slice::from_ref(&core)).unwrap();
        assert_eq!(copies, [sources.path().join("-1f/core-0.1.0")]);
        assert_eq!(unpacked(&sources.path().join("missing"), &[core]), Ok(Vec::new()));
    }
}
