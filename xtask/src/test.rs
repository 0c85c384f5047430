use crate::{counts::Counts, leftovers::Leftovers, openapi, readme, step::Step, tools, workspace::cargo};

/// Builds the examples, runs all tests and doc tests, checks the API's document and README's
/// services, and searches what all of them left for secrets. The last line says how many checks passed and failed.
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
    let mut steps = vec![examples()];
    let tests = cargo(&["nextest", "run", "--workspace", "--all-features", "--no-fail-fast"]);
    steps.push(Step::run("tests", left.told_to(tests), Some(Counts::of_nextest)));
    let doc_tests = cargo(&["test", "--doc", "--workspace", "--all-features", "--no-fail-fast"]);
    steps.push(Step::run("doc tests", left.told_to(doc_tests), Some(Counts::of_libtest)));
    steps.extend(openapi::steps(&left));
    steps.extend(readme::steps());
    steps.extend(left.search());
    conclude(&steps)
}

/// Checks only the API's document, on a quickstart built for it.
///
/// # Errors
///
/// When a check failed, or what it needs is missing.
pub(crate) fn openapi_only() -> Result<(), String> {
    let mut steps = vec![examples()];
    if steps.iter().all(|step| step.ok) {
        steps.extend(openapi::steps(&Leftovers::in_target()));
    }
    conclude(&steps)
}

/// Compiles only the services that README shows.
///
/// # Errors
///
/// When one does not compile.
pub(crate) fn readme_only() -> Result<(), String> {
    conclude(&readme::steps())
}

/// Searches what the last tests left.
///
/// # Errors
///
/// When a secret is found, or too little to search.
pub(crate) fn scan_only() -> Result<(), String> {
    conclude(&Leftovers::in_target().search())
}

fn examples() -> Step {
    Step::run("examples", cargo(&["build", "--examples"]), None)
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
