//! Projects in `target`, outside the workspace, that use its crates like published crates.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::workspace::{cargo, published, root, target};

/// A project with one binary.
pub(crate) struct Project {
    folder: PathBuf,
}

impl Project {
    /// Writes a project with `dependencies` (TOML that begins with `[dependencies]`) and `code`.
    ///
    /// # Errors
    ///
    /// Returns an error if the files cannot be written.
    pub(crate) fn write(name: &str, dependencies: &str, code: &str) -> Result<Self, String> {
        let folder = target().join("outside").join(name);
        let cannot = |error| format!("cannot write {}: {error}", folder.display());
        let patches: String = published()?
            .iter()
            .map(|package| format!("{} = {{ path = {:?} }}\n", package.name, package.folder))
            .collect();
        let manifest = format!(
            "[package]\nname = \"outside-{name}\"\nedition = \"2024\"\n\n{dependencies}\n\
             [patch.crates-io]\n{patches}\n[profile.dev]\ndebug = false\n\n[workspace]\n"
        );
        fs::create_dir_all(folder.join("src")).map_err(cannot)?;
        fs::write(folder.join("Cargo.toml"), manifest).map_err(cannot)?;
        fs::write(folder.join("src/main.rs"), code).map_err(cannot)?;
        // The project uses the same versions as the tests. Cargo changes only versions that do not fit.
        fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).map_err(cannot)?;
        Ok(Self { folder })
    }

    /// Returns a cargo command that runs in the folder of the project.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo(arguments);
        command.current_dir(&self.folder).env("CARGO_TARGET_DIR", target_outside());
        command
    }

    /// The folder of the project.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Returns the folder that cargo builds all projects and packages outside the workspace in.
pub(crate) fn target_outside() -> PathBuf {
    target().join("outside/target")
}
