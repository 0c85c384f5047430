use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{part::Part, scan, step::Step, workspace::target};

/// The files of tests that are searched for leaked secrets.
pub(crate) struct Leftovers {
    /// The folder of databases, logs and error texts. It has a folder for each package.
    pub(crate) artifacts: PathBuf,
    /// The file that lists the secrets to search for.
    secrets: PathBuf,
}

impl Leftovers {
    pub(crate) fn in_target() -> Self {
        Self { artifacts: target().join("test-artifacts"), secrets: target().join("test-secrets.txt") }
    }

    pub(crate) fn empty(&self) -> Result<(), String> {
        let cannot = |path: &Path, error| format!("cannot empty {}: {error}", path.display());
        if self.artifacts.exists() {
            fs::remove_dir_all(&self.artifacts).map_err(|error| cannot(&self.artifacts, error))?;
        }
        fs::create_dir_all(&self.artifacts).map_err(|error| cannot(&self.artifacts, error))?;
        fs::write(&self.secrets, "").map_err(|error| cannot(&self.secrets, error))
    }

    /// Registers a secret that was printed in an allowed place, so that all other places are searched for it.
    ///
    /// # Errors
    ///
    /// Returns an error if the secret has no display prefix, or if the list of secrets cannot be written.
    pub(crate) fn register(&self, secret: &str) -> Result<(), String> {
        let shown = secret.rfind('_').and_then(|at| secret.get(..at + "_0123".len()));
        let shown = shown.ok_or("the quickstart printed a key that does not have the format of a secret")?;
        self.add(&format!("xtask {shown} {secret}\n"))
    }

    /// Registers the password of a server, of which no part may be shown. The password counts as a secret of the
    /// tests of `package`.
    ///
    /// # Errors
    ///
    /// Returns an error if the list of secrets cannot be written.
    pub(crate) fn register_password(&self, package: &str, password: &str) -> Result<(), String> {
        self.add(&format!("{package}  {password}\n"))
    }

    fn add(&self, line: &str) -> Result<(), String> {
        let file = OpenOptions::new().create(true).append(true).open(&self.secrets);
        // A line is one write, because other processes append to the same file.
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .map_err(|error| format!("cannot write {}: {error}", self.secrets.display()))
    }

    /// Passes the paths of both places to a command that runs tests, in its environment.
    pub(crate) fn pass_to(&self, mut command: Command) -> Command {
        command.env("APIKEYS_TEST_ARTIFACTS", &self.artifacts).env("APIKEYS_TEST_SECRETS", &self.secrets);
        command
    }

    /// Searches the files of tests. `without` lists the parts that did not run.
    pub(crate) fn search(&self, without: &[Part]) -> Vec<Step> {
        vec![
            Step::check("the search for secrets finds planted secrets", scan::search_planted),
            Step::check("databases, logs and error texts of tests contain no secrets", || {
                scan::search(&self.artifacts, &self.secrets, without)
            }),
        ]
    }
}
