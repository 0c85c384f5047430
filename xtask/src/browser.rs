//! The tests in a real browser.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::{
    counts::Counts,
    examples,
    leftovers::Leftovers,
    step::Step,
    workspace::{cargo, root, target},
};

/// The package of the tests. The other tests and the examples are built without it, because its WebDriver client
/// turns on a feature of `serde_json` that changes the order of members.
pub(crate) const PACKAGE: &str = "apikeys-test-browser";

/// Installs what the tests need, and runs them.
pub(crate) fn steps(left: &Leftovers) -> Vec<Step> {
    let installed = Step::check("Chromium, chromedriver and axe-core are installed", || {
        ensure_browser()?;
        ensure_axe_core()
    });
    if !installed.ok {
        return vec![installed];
    }
    let tests = cargo(&["nextest", "run", "--package", PACKAGE, "--all-features", "--no-fail-fast"]);
    vec![
        installed,
        Step::run("tests in the browser", examples::pass_to(left.pass_to(tests)), Some(Counts::of_nextest)),
    ]
}

/// Installs Debian's Chromium and chromedriver if one of them is missing and this process runs as root.
///
/// # Errors
///
/// Returns an error if they are missing and cannot be installed.
fn ensure_browser() -> Result<(), String> {
    if is_installed("chromium") && is_installed("chromedriver") {
        return Ok(());
    }
    println!("Chromium or chromedriver is missing: installing the packages chromium and chromium-driver");
    let installed = as_root(&["update", "--quiet"])
        && as_root(&[
            "install",
            "--quiet",
            "--yes",
            "--no-install-recommends",
            "chromium",
            "chromium-driver",
        ]);
    if installed && is_installed("chromium") && is_installed("chromedriver") {
        return Ok(());
    }
    Err("cannot install Chromium and chromedriver, in which the settings page is tested. Install them, on Debian as \
         root with `apt-get install chromium chromium-driver`, so that `chromium` and `chromedriver` are in PATH, and \
         run the command again, or leave the tests out with `cargo xtask test --without browser`."
        .to_owned())
}

/// Installs axe-core into the target folder, in the version and with the hash in `tests/browser/package-lock.json`. The
/// network is not used if it is there already.
///
/// # Errors
///
/// Returns an error if npm is missing or cannot install axe-core.
fn ensure_axe_core() -> Result<String, String> {
    let (from, to) = (root().join("tests/browser"), target().join("browser"));
    let cannot = |error| format!("cannot write {}: {error}", to.display());
    let lock = "package-lock.json";
    let is_current =
        fs::read(to.join(lock)).is_ok_and(|copy| fs::read(from.join(lock)).is_ok_and(|lock| lock == copy));
    // npm writes this file last.
    if !(is_current && to.join("node_modules/.package-lock.json").exists()) {
        fs::create_dir_all(&to).map_err(cannot)?;
        for file in ["package.json", lock] {
            fs::copy(from.join(file), to.join(file)).map_err(cannot)?;
        }
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&to).stdin(Stdio::null());
        if !npm.status().is_ok_and(|status| status.success()) {
            return Err("cannot install axe-core, which checks the accessibility of the settings page. This needs npm \
                        and access to its registry. Install npm and run the command again, or leave the tests out \
                        with `cargo xtask test --without browser`."
                .to_owned());
        }
    }
    Ok("the tests can start Chromium and run axe-core".to_owned())
}

fn is_installed(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Runs apt-get, which fails for other users than root.
fn as_root(arguments: &[&str]) -> bool {
    let mut apt = Command::new("apt-get");
    apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    apt.status().is_ok_and(|status| status.success())
}
