//! Compiles the services that README shows, as a reader who copies one into an empty project does.

use std::fs;

use crate::{outside::Project, step::Step, workspace::root};

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
        .ok_or_else(|| format!("README.md shows no service under ### {framework}"))?;
    let project = Project::write(framework, service.manifest, service.code)?;
    let status = project.cargo(&["check", "--quiet"]).status();
    let status = status.map_err(|error| format!("cargo cannot be run: {error}"))?;
    if status.success() { Ok("it does".to_owned()) } else { Err("it does not; see above".to_owned()) }
}

/// A service as README shows it.
#[derive(Debug, PartialEq, Eq)]
struct Service<'a> {
    manifest: &'a str,
    code: &'a str,
}

impl<'a> Service<'a> {
    /// Returns the first block of each language under the heading, or `None` if one is missing.
    fn shown(readme: &'a str, framework: &str) -> Option<Self> {
        let (_, section) = readme.split_once(&format!("\n### {framework}\n"))?;
        let section = section.split("\n### ").next()?.split("\n## ").next()?;
        let block = |language: &str| {
            let (_, block) = section.split_once(&format!("\n```{language}\n"))?;
            block.split("```").next()
        };
        Some(Self { manifest: block("toml")?, code: block("rust,no_run")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "# It\n\n### one\n\n```toml\n[a]\n```\n\n```rust,no_run\n#[x]\nfn one() {}\n```\n\n### two\n\n```toml\n[b]\n```\n\n### three\n\n```rust,no_run\nfn three() {}\n```\n";

    #[test]
    fn service_is_read_from_its_own_section() {
        let one = Service { manifest: "[a]\n", code: "#[x]\nfn one() {}\n" };
        assert_eq!(Service::shown(README, "one"), Some(one));
        assert_eq!(Service::shown(README, "two"), None);
        assert_eq!(Service::shown(README, "three"), None);
        assert_eq!(Service::shown(README, "four"), None);
    }
}
