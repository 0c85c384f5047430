//! The mail server that tests send mails to.

use crate::{
    python::{Python, Tools, succeeds},
    step::Step,
    workspace::root,
};

/// Installs the mail server if it is missing.
pub(crate) fn step() -> Step {
    Step::check("the mail server for tests is installed", || {
        let python = Python::ensure(&Tools {
            folder: "mail-server-python",
            requirements: root().join("tests/smtp/server/requirements.txt"),
            users: "The tests of mails",
            advice: "run the command again",
        })?;
        let mut version = python.module("aiosmtpd");
        version.arg("--version");
        succeeds(version, "the mail server for tests does not run")?;
        Ok("tests can start the mail server".to_owned())
    })
}
