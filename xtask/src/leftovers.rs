use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{scan, step::Step, workspace::target};

/// What tests leave to the search for leaked secrets.
pub(crate) struct Leftovers {
    /// The folder of databases, logs and texts: one folder in it for each package.
    pub(crate) artifacts: PathBuf,
    /// The file that lists the secrets to search for.
    secrets: PathBuf,
}

impl Leftovers {
    pub(crate) fn in_target() -> Self {
        Self { artifacts: target().join("test-artifacts"), secrets: target().join("test-secrets.txt") }
    }

    pub(crate) fn empty(&self) -> Result<(), String> {
        let cannot = |path: &Path, error| format!("{} cannot be emptied: {error}", path.display());
        if self.artifacts.exists() {
            fs::remove_dir_all(&self.artifacts).map_err(|error| cannot(&self.artifacts, error))?;
        }
        fs::create_dir_all(&self.artifacts).map_err(|error| cannot(&self.artifacts, error))?;
        fs::write(&self.secrets, "").map_err(|error| cannot(&self.secrets, error))
    }

    /// Notes a secret that was printed where it may be, so that it is searched for everywhere else.
    ///
    /// # Errors
    ///
    /// Returns an error if the secret has no display prefix or cannot be noted.
    pub(crate) fn note(&self, secret: &str) -> Result<(), String> {
        let shown = secret.rfind('_').and_then(|at| secret.get(..at + "_0123".len()));
        let shown = shown.ok_or("the text that was printed as a secret is not one")?;
        let file = OpenOptions::new().create(true).append(true).open(&self.secrets);
        // A line is one write, because other processes append to the same file.
        file.and_then(|mut file| file.write_all(format!("xtask {shown} {secret}\n").as_bytes()))
            .map_err(|error| format!("{} cannot be written: {error}", self.secrets.display()))
    }

    /// Names both places in the environment of a command that runs tests.
    pub(crate) fn told_to(&self, mut command: Command) -> Command {
        command.env("APIKEYS_TEST_ARTIFACTS", &self.artifacts).env("APIKEYS_TEST_SECRETS", &self.secrets);
        command
    }

    /// Searches what tests left. `without` names packages whose tests did not run.
    pub(crate) fn search(&self, without: &[&str]) -> Vec<Step> {
        vec![
            Step::check("the secret scan finds a planted secret", scan::proves_itself),
            Step::check("no secret is left in databases, logs and errors", || {
                scan::search(&self.artifacts, &self.secrets, without)
            }),
        ]
    }
}
