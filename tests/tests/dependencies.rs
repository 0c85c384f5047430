//! The dependencies of the published crates.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeSet, env, ffi::OsString, path::Path, process::Command};

fn cargo(arguments: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
        .args(arguments)
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The names of the workspace's packages that may be published.
fn published() -> BTreeSet<String> {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    // `publish = false` is an empty list of registries.
    let published = packages.filter(|package| package["publish"].is_null());
    published.map(|package| package["name"].as_str().unwrap().to_owned()).collect()
}

/// The names of all crates that come with `package`, with its default features.
fn tree(package: &str) -> Vec<String> {
    tree_with(package, &[])
}

fn tree_with(package: &str, flags: &[&str]) -> Vec<String> {
    let arguments =
        ["tree", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let text = cargo(&[&arguments[..], flags].concat());
    let mut names: Vec<String> =
        text.lines().filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect();
    names.sort();
    names.dedup();
    assert!(names.iter().any(|name| name == package), "{package} is not in its own tree: {text}");
    names
}

#[track_caller]
fn assert_without(package: &str, unwanted: &[&str]) {
    assert_not_in(&tree(package), package, unwanted);
}

#[track_caller]
fn assert_not_in(tree: &[String], package: &str, unwanted: &[&str]) {
    assert!(tree.len() > 5, "{tree:?}");
    let found: Vec<_> = tree.iter().filter(|name| unwanted.contains(&name.as_str())).collect();
    assert!(found.is_empty(), "{package} brings {found:?}");
}

const TLS: [&str; 5] = ["rustls", "native-tls", "openssl", "openssl-sys", "ring"];
const OTHER_RUNTIMES: [&str; 5] =
    ["async-std", "smol", "async-io", "async-global-executor", "async-executor"];

#[test]
fn core_depends_on_no_runtime_http_crate_or_database() {
    let unwanted = ["tokio", "http", "http-body", "hyper", "tower", "axum", "axum-core", "sqlx", "sqlx-core"];
    assert_without("apikeys-core", &unwanted);
    // The names above are found in crates that do have those dependencies.
    assert!(tree("apikeys-sqlx-store").contains(&"tokio".to_owned()));
    assert!(tree("apikeys-tower").contains(&"http".to_owned()));
}

#[test]
fn default_features_bring_neither_a_tls_stack_nor_a_second_runtime() {
    let published = published();
    assert!(published.contains("apikeys-core") && published.len() >= 6, "{published:?}");
    for package in &published {
        // Most mail servers require TLS.
        if package != "apikeys-mail" {
            assert_without(package, &TLS);
        }
        assert_without(package, &OTHER_RUNTIMES);
    }
}

#[test]
fn mail_brings_rustls_by_default_and_no_tls_stack_without_default_features() {
    let tree = tree("apikeys-mail");
    assert!(tree.contains(&"rustls".to_owned()), "{tree:?}");
    assert_not_in(&tree, "apikeys-mail", &["native-tls", "openssl", "openssl-sys", "aws-lc-rs"]);
    assert_not_in(&tree_with("apikeys-mail", &["--no-default-features"]), "apikeys-mail", &TLS);
}

#[test]
fn tower_adapter_without_default_features_has_neither_axum_nor_a_runtime() {
    let tree = tree_with("apikeys-tower", &["--no-default-features"]);
    assert_not_in(&tree, "apikeys-tower", &["axum", "axum-core", "tokio", "hyper"]);
}

#[test]
fn actix_adapter_enables_no_optional_features_of_actix() {
    assert_without("apikeys-actix", &["h2", "brotli", "flate2", "zstd", "cookie", "regex", "actix-macros"]);
    assert_without("apikeys-actix", &["axum", "axum-core", "hyper", "tower"]);
}

const STORE: &str = "apikeys-sqlx-store";

/// With one database, the code of the other databases is not compiled.
#[test]
fn store_with_one_database_brings_only_that_database() {
    let all = ["sqlx-sqlite", "libsqlite3-sys", "sqlx-postgres", "sqlx-mysql"];
    for (feature, its_own) in [
        ("sqlite", &["sqlx-sqlite", "libsqlite3-sys"][..]),
        ("postgres", &["sqlx-postgres"]),
        ("mysql", &["sqlx-mysql"]),
    ] {
        let features = format!("{feature},runtime-tokio");
        let tree = tree_with(STORE, &["--no-default-features", "--features", &features]);
        for name in all {
            assert_eq!(
                tree.contains(&name.to_owned()),
                its_own.contains(&name),
                "{feature}: {name}: {tree:?}"
            );
        }
    }
}

/// These features would change the types that sqlx's macros infer for the queries of a service. The RSA
/// implementation of `mysql-rsa` has an open advisory.
#[test]
fn store_enables_no_feature_of_sqlx_that_changes_the_service() {
    let unwanted = ["macros", "derive", "time", "chrono", "uuid", "json", "mysql-rsa", "rsa", "any"];
    let arguments = ["tree", "--package", STORE, "--all-features", "--edges", "normal", "--prefix", "none"];
    // A line is the name, the version and a list of the enabled features.
    let text = cargo(&[&arguments[..], &["--format", "{p} {f}"]].concat());
    let lines = text.lines().filter(|line| line.starts_with("sqlx"));
    let features = lines.filter_map(|line| line.split_whitespace().nth(2));
    let features: BTreeSet<&str> = features.flat_map(|list| list.split(',')).collect();
    assert!(features.contains("postgres") && features.contains("mysql"), "{features:?}");
    let found: Vec<_> = unwanted.iter().filter(|name| features.contains(**name)).collect();
    assert!(found.is_empty(), "{STORE} enables {found:?} of sqlx");
    assert_not_in(&tree_with(STORE, &["--all-features"]), STORE, &["rsa", "sqlx-macros", "chrono", "uuid"]);
}
