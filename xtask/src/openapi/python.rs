use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::succeeds;
use crate::workspace::target;

/// A virtual environment of Python with the required tools.
pub(super) struct Python {
    program: PathBuf,
}

impl Python {
    /// Creates the environment if it is missing, and installs missing tools. The network is not used if the
    /// required versions are installed already.
    ///
    /// # Errors
    ///
    /// Returns an error if python3 is missing or too old, or if a tool cannot be installed.
    pub(super) fn ensure(requirements: &Path) -> Result<Self, String> {
        let home = target().join("openapi-python");
        let python = Self { program: home.join("bin/python") };
        if !python.has_pip() {
            let mut make = Command::new("python3");
            make.args(["-m", "venv", "--clear"]).arg(&home);
            succeeds(make, "cannot create a virtual environment of Python")
                .map_err(|message| with_advice(&message))?;
        }
        let mut install = python.module("pip");
        install
            .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(requirements);
        succeeds(install, "cannot install the tools for the OpenAPI document")
            .map_err(|message| with_advice(&message))?;
        Ok(python)
    }

    /// Returns a command that runs a script.
    pub(super) fn run(&self, script: &Path) -> Command {
        let mut command = self.isolated();
        command.arg(script);
        command
    }

    /// Returns a command that runs a module.
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

    /// Returns a command of this environment that ignores the user's Python settings.
    fn isolated(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-I").stdin(Stdio::null());
        command
    }
}

fn with_advice(message: &str) -> String {
    format!(
        "{message}. The checks of the OpenAPI document need python3, version 3.11 or newer, with the modules venv \
         and pip (on Debian, the package python3-venv), and access to the index of pip. Install what is missing and \
         run the command again, or leave the checks out with `cargo xtask test --without openapi`."
    )
}
