//! Holds README to its word: whoever copies a service out of it into an empty project has one that
//! compiles.

use std::{fs, io, path::Path};

use crate::{
    step::Step,
    workspace::{cargo, root, target},
};

/// One check for each framework that README shows.
pub(crate) fn steps() -> Vec<Step> {
    vec![
        Step::check("README's service on axum compiles by itself", || compiles("axum")),
        Step::check("README's service on actix-web compiles by itself", || compiles("actix-web")),
    ]
}

fn compiles(framework: &str) -> Result<String, String> {
    let readme = fs::read_to_string(root().join("README.md"));
    let readme = readme.map_err(|error| format!("README.md cannot be read: {error}"))?;
    let service = Service::shown(&readme, framework)
        .ok_or_else(|| format!("README.md has no service under ### {framework}"))?;
    let folder = target().join("readme").join(framework);
    service
        .write(&folder)
        .map_err(|error| format!("no project can be made in {}: {error}", folder.display()))?;
    let mut check = cargo(&["check", "--quiet"]);
    check.current_dir(&folder).env("CARGO_TARGET_DIR", target().join("readme/target"));
    let status = check.status().map_err(|error| format!("cargo cannot be run: {error}"))?;
    if status.success() { Ok("it does".to_owned()) } else { Err("it does not; see above".to_owned()) }
}

/// A service as README shows it.
#[derive(Debug, PartialEq, Eq)]
struct Service<'a> {
    manifest: &'a str,
    code: &'a str,
}

impl<'a> Service<'a> {
    /// The first block of each language under the heading.
    fn shown(readme: &'a str, framework: &str) -> Option<Self> {
        let (_, section) = readme.split_once(&format!("\n### {framework}\n"))?;
        let section = section.split("\n### ").next()?.split("\n## ").next()?;
        let block = |language: &str| {
            let (_, block) = section.split_once(&format!("\n```{language}\n"))?;
            block.split("```").next()
        };
        Some(Self { manifest: block("toml")?, code: block("rust,no_run")? })
    }

    /// A project of nothing else, with the crates of this workspace as if they were published.
    fn write(&self, folder: &Path) -> io::Result<()> {
        let root = root();
        let crates = ["apikeys-actix", "apikeys-core", "apikeys-sqlx-store", "apikeys-tower"]
            .map(|name| format!("{name} = {{ path = {:?} }}\n", root.join(name)));
        let manifest = format!(
            "[package]\nname = \"from-readme\"\nedition = \"2024\"\n\n{}\n[patch.crates-io]\n{}\n[workspace]\n",
            self.manifest,
            crates.concat(),
        );
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("Cargo.toml"), manifest)?;
        fs::write(folder.join("src/main.rs"), self.code)?;
        // The versions that the tests ran with.
        fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "# It\n\n### one\n\n```toml\n[a]\n```\n\n```rust,no_run\n#[x]\nfn one() {}\n```\n\n### two\n\n```toml\n[b]\n```\n\n### three\n\n```rust,no_run\nfn three() {}\n```\n";

    #[test]
    fn a_service_is_what_stands_under_its_own_heading() {
        let one = Service { manifest: "[a]\n", code: "#[x]\nfn one() {}\n" };
        assert_eq!(Service::shown(README, "one"), Some(one));
        assert_eq!(Service::shown(README, "two"), None);
        assert_eq!(Service::shown(README, "three"), None);
        assert_eq!(Service::shown(README, "four"), None);
    }
}
