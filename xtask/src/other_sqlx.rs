//! Runs the store in one program with sqlx 0.8. The guides say that this works.

use std::fs;

use crate::{outside::Project, step::Step, workspace::root};

const DEPENDENCIES: &str = r#"[dependencies]
apikeys-sqlx-store = "0.1"
sqlx = { version = "0.8", default-features = false, features = ["sqlite", "runtime-tokio"] }
tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
"#;

/// One check: a service on sqlx 0.8 keeps its keys in a separate file.
pub(crate) fn steps() -> Vec<Step> {
    vec![Step::check("the store works in one program with sqlx 0.8", run)]
}

fn run() -> Result<String, String> {
    let code = root().join("xtask/other-sqlx/main.rs");
    let code =
        fs::read_to_string(&code).map_err(|error| format!("cannot read {}: {error}", code.display()))?;
    let project = Project::write("other-sqlx", DEPENDENCIES, &code)?;
    let databases = tempfile::tempdir()
        .map_err(|error| format!("cannot create a temporary folder for databases: {error}"))?;
    let status = project.cargo(&["run", "--quiet"]).arg("--").arg(databases.path()).status();
    if !status.map_err(|error| format!("cannot run cargo: {error}"))?.success() {
        return Err("the program with sqlx 0.8 failed; its output is above".to_owned());
    }
    let lock = project.folder().join("Cargo.lock");
    let lock =
        fs::read_to_string(&lock).map_err(|error| format!("cannot read {}: {error}", lock.display()))?;
    let versions = |package: &str| versions(&lock, package).join(" and ");
    Ok(format!("sqlx {} with libsqlite3-sys {}", versions("sqlx"), versions("libsqlite3-sys")))
}

/// Returns the versions of a package in a lock file.
fn versions<'a>(lock: &'a str, package: &str) -> Vec<&'a str> {
    let name = format!("name = \"{package}\"\nversion = \"");
    lock.split(name.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_file_with_two_versions_of_a_package_gives_both() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"0.8.6\"\n\n[[package]]\nname = \"a-b\"\nversion = \"1.0.0\"\n\n\
                    [[package]]\nname = \"a\"\nversion = \"0.9.0\"\n";
        assert_eq!(versions(lock, "a"), ["0.8.6", "0.9.0"]);
    }
}
