//! Checks the OpenAPI document with public tools: a validator, and a generator of clients. The generated client
//! then manages keys of a running quickstart.

mod quickstart;

use std::{fs, path::PathBuf};

use self::quickstart::Quickstart;
use crate::{
    leftovers::Leftovers,
    python::{Python, Tools, succeeds},
    step::Step,
    workspace::{root, target},
};

/// Starts the quickstart, which must have been built, runs both checks, and stops the quickstart.
pub(crate) fn steps(left: &Leftovers) -> Vec<Step> {
    match Checks::prepare(left) {
        Ok(checks) => vec![
            Step::check("the OpenAPI document is valid", || checks.validate()),
            Step::check("a client generated from the OpenAPI document manages keys", || {
                checks.generate_and_drive(left)
            }),
        ],
        Err(message) => {
            vec![Step::check("the quickstart and the tools for the OpenAPI document start", || Err(message))]
        }
    }
}

/// The tools, the running quickstart and the files of both checks.
struct Checks {
    python: Python,
    quickstart: Quickstart,
    /// The folder of the document and the generated client. It is emptied at each run.
    folder: PathBuf,
    document: PathBuf,
}

impl Checks {
    fn prepare(left: &Leftovers) -> Result<Self, String> {
        let folder = target().join("openapi");
        let document = folder.join("openapi.json");
        let python = Python::ensure(&Tools {
            folder: "openapi-python",
            requirements: script("requirements.txt"),
            users: "The checks of the OpenAPI document",
            advice: "run the command again, or leave the checks out with `cargo xtask test --without openapi`",
        })?;
        let quickstart = Quickstart::start(left)?;
        let cannot = |error| format!("cannot write {}: {error}", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(cannot)?;
        }
        fs::create_dir_all(&folder).map_err(cannot)?;
        let mut fetch = python.run(&script("fetch.py"));
        fetch.arg(&quickstart.url).env("ADMIN_TOKEN", quickstart::ADMIN_TOKEN);
        fetch.stdout(fs::File::create(&document).map_err(cannot)?);
        succeeds(fetch, "cannot fetch the document from the quickstart")?;
        Ok(Self { python, quickstart, folder, document })
    }

    fn validate(&self) -> Result<String, String> {
        let mut validate = self.python.module("openapi_spec_validator");
        validate.arg(&self.document);
        succeeds(validate, "the document is not valid OpenAPI")?;
        Ok("the document is valid".to_owned())
    }

    fn generate_and_drive(&self, left: &Leftovers) -> Result<String, String> {
        let mut generate = self.python.module("openapi_python_client");
        generate.args(["generate", "--meta", "none", "--fail-on-warning", "--path"]).arg(&self.document);
        generate.arg("--output-path").arg(self.folder.join("generated"));
        generate.arg("--config").arg(script("generator.yml"));
        succeeds(generate, "cannot generate a client for the whole document")?;
        let mut drive = self.python.run(&script("drive.py"));
        drive.arg(&self.quickstart.url).arg(&self.folder).env("ADMIN_TOKEN", quickstart::ADMIN_TOKEN);
        succeeds(left.pass_to(drive), "the generated client failed against the running quickstart")?;
        Ok("the client created, changed, listed and deleted keys".to_owned())
    }
}

fn script(name: &str) -> PathBuf {
    root().join("xtask/openapi").join(name)
}
