use std::{
    env,
    path::{Path, PathBuf},
};

/// The root of the workspace.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The name of the package whose tests run.
pub(crate) fn package() -> String {
    env::var("CARGO_PKG_NAME").expect("tests are run by cargo, which sets CARGO_PKG_NAME")
}

/// The folder that is searched for secrets.
pub(crate) fn artifacts() -> PathBuf {
    variable("APIKEYS_TEST_ARTIFACTS", "test-artifacts")
}

/// The file that lists the secrets to search for.
pub(crate) fn secrets() -> PathBuf {
    variable("APIKEYS_TEST_SECRETS", "test-secrets.txt")
}

fn variable(name: &str, default: &str) -> PathBuf {
    match env::var_os(name) {
        Some(path) => path.into(),
        None => target().join(default),
    }
}

/// The folder that cargo builds in.
#[must_use]
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}
