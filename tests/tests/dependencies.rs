//! What the published crates bring along, and what they do not.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::{env, ffi::OsString, path::Path, process::Command};

/// The names of all crates that come with `package`, with its default features.
fn tree(package: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
        .args(["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<String> =
        text.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect();
    names.sort();
    names.dedup();
    assert!(names.iter().any(|name| name == package), "{package} is not in its own tree: {text}");
    names
}

#[track_caller]
fn assert_without(package: &str, unwanted: &[&str]) {
    let tree = tree(package);
    assert!(tree.len() > 5, "{tree:?}");
    let found: Vec<_> = tree.iter().filter(|name| unwanted.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "{package} brings {found:?}");
}

const TLS: [&str; 5] = ["rustls", "native-tls", "openssl", "openssl-sys", "ring"];
const OTHER_RUNTIMES: [&str; 5] =
    ["async-std", "smol", "async-io", "async-global-executor", "async-executor"];

#[test]
fn the_core_knows_no_runtime_no_http_and_no_database() {
    let unwanted = ["tokio", "http", "http-body", "hyper", "tower", "axum", "axum-core", "sqlx", "sqlx-core"];
    assert_without("apikeys-core", &unwanted);
    // What the others are searched for is found where it is.
    assert!(tree("apikeys-sqlx-store").contains(&"tokio".to_owned()));
    assert!(tree("apikeys-tower").contains(&"http".to_owned()));
}

/// R50
#[test]
fn no_default_feature_drags_in_a_tls_stack_or_a_second_runtime() {
    for package in ["apikeys-core", "apikeys-tower", "apikeys-actix", "apikeys-sqlx-store"] {
        assert_without(package, &TLS);
        assert_without(package, &OTHER_RUNTIMES);
    }
}

#[test]
fn the_adapter_for_tower_brings_neither_axum_nor_a_runtime_unless_asked() {
    assert_without("apikeys-tower", &["axum", "axum-core", "tokio", "hyper"]);
}

#[test]
fn the_adapter_for_actix_leaves_what_actix_can_do_to_the_host() {
    assert_without("apikeys-actix", &["h2", "brotli", "flate2", "zstd", "cookie", "regex", "actix-macros"]);
    assert_without("apikeys-actix", &["axum", "axum-core", "hyper", "tower"]);
}
