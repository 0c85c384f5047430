//! The check that the search covers all packages of the workspace.

use std::{fs, path::Path};

/// Checks that each package of the workspace is in one of the two lists, and that the lists name no other
/// package.
///
/// # Errors
///
/// Returns an error that names the packages.
pub(super) fn check_lists(members: &[String], searched: &[&str], without: &[&str]) -> Result<(), String> {
    let listed = || searched.iter().chain(without);
    let unlisted: Vec<&str> =
        members.iter().map(String::as_str).filter(|member| !listed().any(|name| name == member)).collect();
    if !unlisted.is_empty() {
        return Err(format!(
            "files of the tests of {} are not searched for secrets: add a minimum to `FLOORS` in \
             xtask/src/scan.rs, or add the package to `WITHOUT_SECRETS` if its tests create no secrets",
            unlisted.join(", ")
        ));
    }
    let unknown: Vec<&str> =
        listed().copied().filter(|name| !members.iter().any(|member| member == name)).collect();
    if !unknown.is_empty() {
        return Err(format!(
            "{} is in a list in xtask/src/scan.rs and not in the workspace: remove it from the list",
            unknown.join(", ")
        ));
    }
    Ok(())
}

/// Checks that only packages that are searched left a folder.
///
/// # Errors
///
/// Returns an error that names the folder, or if the folders cannot be listed.
pub(super) fn check_folders(artifacts: &Path, searched: &[&str]) -> Result<(), String> {
    let cannot = |error| format!("cannot list {}: {error}", artifacts.display());
    for entry in fs::read_dir(artifacts).map_err(cannot)? {
        let name = entry.map_err(cannot)?.file_name();
        if !searched.iter().any(|package| *package == name) {
            return Err(format!(
                "{} is not searched for secrets: add a minimum for its package to `FLOORS` in \
                 xtask/src/scan.rs",
                artifacts.join(name).display()
            ));
        }
    }
    Ok(())
}

/// Checks that only packages that are searched created secrets.
///
/// # Errors
///
/// Returns an error that names the package.
pub(super) fn check_issuers<'a>(
    mut issuers: impl Iterator<Item = &'a str>,
    searched: &[&str],
) -> Result<(), String> {
    match issuers.find(|issuer| !searched.contains(issuer)) {
        None => Ok(()),
        Some(issuer) => Err(format!(
            "tests of {issuer} create secrets, but no files of this package are searched for secrets: add a \
             minimum to `FLOORS` in xtask/src/scan.rs"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn package_of_the_workspace_in_no_list_is_an_error() {
        let members = names(&["core", "store", "example"]);
        assert_eq!(check_lists(&members, &["core", "store"], &["example"]), Ok(()));
        let error = check_lists(&members, &["core"], &["example"]).unwrap_err();
        assert!(error.starts_with("files of the tests of store are not searched"), "{error}");
    }

    #[test]
    fn listed_package_outside_the_workspace_is_an_error() {
        let error = check_lists(&names(&["core"]), &["core"], &["gone"]).unwrap_err();
        assert!(error.starts_with("gone is in a list"), "{error}");
    }

    #[test]
    fn secret_of_a_package_that_is_not_searched_is_an_error() {
        assert_eq!(check_issuers(["core"].into_iter(), &["core", "store"]), Ok(()));
        let error = check_issuers(["core", "fuzz"].into_iter(), &["core", "store"]).unwrap_err();
        assert!(error.starts_with("tests of fuzz create secrets"), "{error}");
    }

    #[test]
    fn folder_of_a_package_that_is_not_searched_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("core")).unwrap();
        assert_eq!(check_folders(folder.path(), &["core", "store"]), Ok(()));
        fs::create_dir(folder.path().join("new")).unwrap();
        let error = check_folders(folder.path(), &["core", "store"]).unwrap_err();
        assert!(error.contains("new is not searched for secrets"), "{error}");
    }
}
