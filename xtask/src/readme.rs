//! Compiles each service in README in an empty project, as a reader would.

use std::fs;

use crate::{outside::Project, step::Step, workspace::root};

/// One check for each framework.
pub(crate) fn steps() -> Vec<Step> {
    vec![
        Step::check("the service on axum in README compiles in an empty project", || compiles("axum")),
        Step::check("the service on actix-web in README compiles in an empty project", || {
            compiles("actix-web")
        }),
    ]
}

fn compiles(framework: &str) -> Result<String, String> {
    let readme = fs::read_to_string(root().join("README.md"));
    let readme = readme.map_err(|error| format!("cannot read README.md: {error}"))?;
    let service = Service::in_readme(&readme, framework).ok_or_else(|| {
        format!("README.md has no `toml` block and `rust,no_run` block under the heading `### {framework}`")
    })?;
    let project = Project::write(framework, service.manifest, service.code)?;
    let status = project.cargo(&["check", "--quiet"]).status();
    let status = status.map_err(|error| format!("cannot run cargo: {error}"))?;
    if status.success() {
        Ok("the service compiles".to_owned())
    } else {
        Err("the service does not compile; the errors are above".to_owned())
    }
}

/// The code blocks of a service in README.
#[derive(Debug, PartialEq, Eq)]
struct Service<'a> {
    manifest: &'a str,
    code: &'a str,
}

impl<'a> Service<'a> {
    /// Returns the first block of each language under the heading, or `None` if one is missing.
    fn in_readme(readme: &'a str, framework: &str) -> Option<Self> {
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
    fn service_of_a_section_is_read_and_a_section_without_a_block_is_not() {
        let one = Service { manifest: "[a]\n", code: "#[x]\nfn one() {}\n" };
        assert_eq!(Service::in_readme(README, "one"), Some(one));
        assert_eq!(Service::in_readme(README, "two"), None);
        assert_eq!(Service::in_readme(README, "three"), None);
        assert_eq!(Service::in_readme(README, "four"), None);
    }
}
