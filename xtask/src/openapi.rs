//! Holds the API's own document to public tools: a validator, and a generator whose client then
//! manages keys of the running quickstart.

mod python;
mod quickstart;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use self::{python::Python, quickstart::Quickstart};
use crate::{
    leftovers::Leftovers,
    step::Step,
    workspace::{root, target},
};

/// Both checks, on a quickstart that has been built. It is stopped before this returns.
pub(crate) fn steps(left: &Leftovers) -> Vec<Step> {
    match Checks::prepare(left) {
        Ok(checks) => vec![
            Step::check("the OpenAPI document is valid", || checks.validate()),
            Step::check("a client generated from it manages keys", || checks.generate_and_drive(left)),
        ],
        Err(message) => vec![Step::check("preparations for the OpenAPI document", || Err(message))],
    }
}

/// What both checks need.
struct Checks {
    python: Python,
    quickstart: Quickstart,
    /// Emptied at each run, so that nothing is left of an earlier document.
    folder: PathBuf,
    document: PathBuf,
}

impl Checks {
    fn prepare(left: &Leftovers) -> Result<Self, String> {
        let folder = target().join("openapi");
        let document = folder.join("openapi.json");
        let python = Python::ensure(&script("requirements.txt"))?;
        let quickstart = Quickstart::start(left)?;
        let cannot = |error| format!("{} cannot be written: {error}", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(cannot)?;
        }
        fs::create_dir_all(&folder).map_err(cannot)?;
        let mut fetch = python.run(&script("fetch.py"));
        fetch.arg(&quickstart.url).env("ADMIN_TOKEN", quickstart::ADMIN_TOKEN);
        fetch.stdout(fs::File::create(&document).map_err(cannot)?);
        succeeds(fetch, "the document cannot be fetched")?;
        Ok(Self { python, quickstart, folder, document })
    }

    fn validate(&self) -> Result<String, String> {
        let mut validate = self.python.module("openapi_spec_validator");
        validate.arg(&self.document);
        succeeds(validate, "the document is not valid")?;
        Ok("it is".to_owned())
    }

    fn generate_and_drive(&self, left: &Leftovers) -> Result<String, String> {
        let mut generate = self.python.module("openapi_python_client");
        generate.args(["generate", "--meta", "none", "--fail-on-warning", "--path"]).arg(&self.document);
        generate.arg("--output-path").arg(self.folder.join("generated"));
        generate.arg("--config").arg(script("generator.yml"));
        succeeds(generate, "no client for all of the document can be generated")?;
        let mut drive = self.python.run(&script("drive.py"));
        drive.arg(&self.quickstart.url).arg(&self.folder).env("ADMIN_TOKEN", quickstart::ADMIN_TOKEN);
        succeeds(left.told_to(drive), "the generated client does not do what the document says")?;
        Ok("it does".to_owned())
    }
}

fn script(name: &str) -> PathBuf {
    root().join("xtask/openapi").join(name)
}

/// Runs a command that shows what it prints.
fn succeeds(mut command: Command, otherwise: &str) -> Result<(), String> {
    let program = Path::new(command.get_program()).display().to_string();
    let status = command.status().map_err(|error| format!("{program} cannot be run: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{otherwise}; see above")) }
}
