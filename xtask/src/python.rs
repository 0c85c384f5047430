use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::workspace::target;

/// Tools of Python that checks or tests need.
pub(crate) struct Tools {
    /// The name of the folder in `target`.
    pub(crate) folder: &'static str,
    /// The file that lists the tools and their versions.
    pub(crate) requirements: PathBuf,
    /// What needs the tools, as the subject of a sentence in the plural, such as `the checks`.
    pub(crate) users: &'static str,
    /// What to do if the tools cannot be installed, as the end of the sentence `Install what is missing and …`.
    pub(crate) advice: &'static str,
}

/// A virtual environment of Python with the required tools.
pub(crate) struct Python {
    program: PathBuf,
}

impl Python {
    /// Creates the environment if it is missing, and installs missing tools. The network is not used if the
    /// required versions are installed already.
    ///
    /// # Errors
    ///
    /// Returns an error if python3 is missing or too old, or if a tool cannot be installed.
    pub(crate) fn ensure(tools: &Tools) -> Result<Self, String> {
        let home = target().join(tools.folder);
        let python = Self { program: home.join("bin/python") };
        if !python.has_pip() {
            let mut make = Command::new("python3");
            make.args(["-m", "venv", "--clear"]).arg(&home);
            succeeds(make, "cannot create a virtual environment of Python")
                .map_err(|message| with_advice(tools, &message))?;
        }
        let mut install = python.module("pip");
        install
            .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(&tools.requirements);
        succeeds(install, "cannot install the tools").map_err(|message| with_advice(tools, &message))?;
        Ok(python)
    }

    /// Returns a command that runs a script.
    pub(crate) fn run(&self, script: &Path) -> Command {
        let mut command = self.isolated();
        command.arg(script);
        command
    }

    /// Returns a command that runs a module.
    pub(crate) fn module(&self, name: &str) -> Command {
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

/// Runs a command and shows its output. Returns the error `otherwise` if the command fails.
pub(crate) fn succeeds(mut command: Command, otherwise: &str) -> Result<(), String> {
    let program = Path::new(command.get_program()).display().to_string();
    let status = command.status().map_err(|error| format!("cannot run {program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{otherwise}; its output is above")) }
}

fn with_advice(Tools { users, advice, .. }: &Tools, message: &str) -> String {
    format!(
        "{message}. {users} need python3, version 3.11 or newer, with the modules venv and pip (on Debian, the package \
         python3-venv), and access to the index of pip. Install what is missing and {advice}."
    )
}
