use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::succeeds;
use crate::workspace::target;

/// A Python of our own, with what is required installed.
pub(super) struct Python {
    program: PathBuf,
}

impl Python {
    /// Makes it if it is not there, and installs what it lacks: nothing is asked of the network
    /// when the versions required are there.
    ///
    /// # Errors
    ///
    /// When the machine has no Python for it, or something cannot be installed.
    pub(super) fn ensure(requirements: &Path) -> Result<Self, String> {
        let home = target().join("openapi-python");
        let python = Self { program: home.join("bin/python") };
        if !python.has_pip() {
            let mut make = Command::new("python3");
            make.args(["-m", "venv", "--clear"]).arg(&home);
            succeeds(make, "no virtual environment can be made").map_err(|message| with_advice(&message))?;
        }
        let mut install = python.module("pip");
        install
            .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(requirements);
        succeeds(install, "the tools for the OpenAPI document cannot be installed")
            .map_err(|message| with_advice(&message))?;
        Ok(python)
    }

    /// Runs a script.
    pub(super) fn run(&self, script: &Path) -> Command {
        let mut command = self.isolated();
        command.arg(script);
        command
    }

    /// Runs a module.
    pub(super) fn module(&self, name: &str) -> Command {
        let mut command = self.isolated();
        command.args(["-m", name]);
        command
    }

    fn has_pip(&self) -> bool {
        let version =
            self.module("pip").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    }

    /// Whatever the user's own Python is set to.
    fn isolated(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-I").stdin(Stdio::null());
        command
    }
}

fn with_advice(message: &str) -> String {
    format!(
        "{message}. The OpenAPI document is checked with public tools in Python: install python3, 3.11 or \
         newer, with its modules venv and pip (on Debian: python3-venv), let pip reach its index, and run \
         this again."
    )
}
