use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    counts::Counts,
    scan,
    step::Step,
    tools,
    workspace::{cargo, target},
};

/// Builds the examples, runs all tests and doc tests, and searches what they left for secrets.
/// The last line says how many checks passed and failed.
///
/// # Errors
///
/// When a check failed, a step ran none, or a tool is missing.
pub(crate) fn run() -> Result<(), String> {
    let left = Leftovers::in_target();
    if let Err(message) = tools::ensure_nextest().and_then(|()| left.empty()) {
        return conclude(&[Step::check("preparations", || Err(message))]);
    }
    // Built as the tests ask for them, so that no test has to wait for it.
    let mut steps = vec![Step::run("examples", cargo(&["build", "--examples"]), None)];
    let tests = cargo(&["nextest", "run", "--workspace", "--all-features", "--no-fail-fast"]);
    steps.push(Step::run("tests", left.told_to(tests), Some(Counts::of_nextest)));
    let doc_tests = cargo(&["test", "--doc", "--workspace", "--all-features", "--no-fail-fast"]);
    steps.push(Step::run("doc tests", left.told_to(doc_tests), Some(Counts::of_libtest)));
    steps.extend(left.search());
    conclude(&steps)
}

/// Searches what the last tests left.
///
/// # Errors
///
/// When a secret is found, or too little to search.
pub(crate) fn scan_only() -> Result<(), String> {
    conclude(&Leftovers::in_target().search())
}

fn conclude(steps: &[Step]) -> Result<(), String> {
    println!();
    let mut all = Counts::default();
    for step in steps {
        println!("{}", step.line());
        all.add(step.counts);
    }
    let failed = steps.iter().any(|step| !step.ok);
    println!("{} passed, {} failed", all.passed, all.failed);
    // The numbers are the last line, so there is nothing more to say.
    if failed { Err(String::new()) } else { Ok(()) }
}

/// What tests leave to be searched.
struct Leftovers {
    /// Databases, logs, texts of errors.
    artifacts: PathBuf,
    /// The secrets that were issued, which must not be found in there.
    secrets: PathBuf,
}

impl Leftovers {
    fn in_target() -> Self {
        Self { artifacts: target().join("test-artifacts"), secrets: target().join("test-secrets.txt") }
    }

    fn empty(&self) -> Result<(), String> {
        let cannot = |path: &Path, error| format!("{} cannot be emptied: {error}", path.display());
        if self.artifacts.exists() {
            fs::remove_dir_all(&self.artifacts).map_err(|error| cannot(&self.artifacts, error))?;
        }
        fs::create_dir_all(&self.artifacts).map_err(|error| cannot(&self.artifacts, error))?;
        fs::write(&self.secrets, "").map_err(|error| cannot(&self.secrets, error))
    }

    /// Tells a command's tests where to leave things.
    fn told_to(&self, mut command: Command) -> Command {
        command.env("APIKEYS_TEST_ARTIFACTS", &self.artifacts).env("APIKEYS_TEST_SECRETS", &self.secrets);
        command
    }

    fn search(&self) -> Vec<Step> {
        vec![
            Step::check("the secret scan finds a planted secret", scan::proves_itself),
            Step::check("no secret is left in databases, logs and errors", || {
                scan::search(&self.artifacts, &self.secrets)
            }),
        ]
    }
}
