use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{scan, step::Step, workspace::target};

/// What tests leave to be searched.
pub(crate) struct Leftovers {
    /// Databases, logs, texts of errors.
    pub(crate) artifacts: PathBuf,
    /// The secrets that were issued, which must not be found in there.
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
    /// When it has no display prefix, or cannot be noted.
    pub(crate) fn note(&self, secret: &str) -> Result<(), String> {
        let shown = secret.rfind('_').and_then(|at| secret.get(..at + "_0123".len()));
        let shown = shown.ok_or("what was printed as a secret is none")?;
        let file = OpenOptions::new().create(true).append(true).open(&self.secrets);
        // One write for a line: others write here too.
        file.and_then(|mut file| file.write_all(format!("{shown} {secret}\n").as_bytes()))
            .map_err(|error| format!("{} cannot be written: {error}", self.secrets.display()))
    }

    /// Tells a command's tests where to leave things.
    pub(crate) fn told_to(&self, mut command: Command) -> Command {
        command.env("APIKEYS_TEST_ARTIFACTS", &self.artifacts).env("APIKEYS_TEST_SECRETS", &self.secrets);
        command
    }

    pub(crate) fn search(&self) -> Vec<Step> {
        vec![
            Step::check("the secret scan finds a planted secret", scan::proves_itself),
            Step::check("no secret is left in databases, logs and errors", || {
                scan::search(&self.artifacts, &self.secrets)
            }),
        ]
    }
}
