use std::process::Command;

use crate::{
    browser, counts::Counts, examples, leftovers::Leftovers, mail_server, part::Part, step::Step, tools,
    workspace::cargo,
};

/// Builds the examples, runs all tests, doc tests and parts except those in `without`, and searches the files
/// that these left for secrets. The last line of the output says how many checks passed and failed, and which
/// parts were left out.
///
/// # Errors
///
/// Returns an error if a check failed, if a step ran nothing, or if a tool is missing.
pub(crate) fn run(without: &[Part]) -> Result<(), String> {
    let left = Leftovers::in_target();
    if let Err(message) = tools::ensure_nextest().and_then(|()| left.empty()) {
        return conclude(
            &[Step::check("cargo-nextest is installed and the folder of test files is empty", || {
                Err(message)
            })],
            without,
        );
    }
    // The tests find the examples built, so that no test waits for cargo.
    let mut steps = vec![examples::step(), mail_server::step(), tests(&left)];
    let doc_tests = cargo(&[
        "test",
        "--doc",
        "--workspace",
        "--exclude",
        browser::PACKAGE,
        "--all-features",
        "--no-fail-fast",
    ]);
    steps.push(Step::run("doc tests", left.pass_to(doc_tests), Some(Counts::of_libtest)));
    for part in Part::ALL.into_iter().filter(|part| !without.contains(part)) {
        steps.extend(part.run(&left));
    }
    steps.extend(left.search(without));
    conclude(&steps, without)
}

/// Runs all tests except the parts.
fn tests(left: &Leftovers) -> Step {
    Step::run("tests", nextest(left), Some(Counts::of_nextest))
}

/// Returns the command that runs the tests of the workspace without those in the browser. It leaves out tests with the
/// attribute `ignore`.
pub(crate) fn nextest(left: &Leftovers) -> Command {
    let tests = cargo(&[
        "nextest",
        "run",
        "--workspace",
        "--exclude",
        browser::PACKAGE,
        "--all-features",
        "--no-fail-fast",
    ]);
    examples::pass_to(left.pass_to(tests))
}

/// Runs one part alone.
///
/// # Errors
///
/// Returns an error if a check failed, or if something that the part needs is missing.
pub(crate) fn only(part: Part) -> Result<(), String> {
    let mut steps = Vec::new();
    if part.needs_examples() {
        steps.push(examples::step());
    }
    if steps.iter().all(|step| step.ok) {
        steps.extend(part.run(&Leftovers::in_target()));
    }
    conclude(&steps, &[])
}

/// Searches the files that the last tests left.
///
/// # Errors
///
/// Returns an error if a secret is found, or if the tests left too few files.
pub(crate) fn scan_only() -> Result<(), String> {
    conclude(&Leftovers::in_target().search(&[]), &[])
}

/// Installs the mail server that tests send mails to.
///
/// # Errors
///
/// Returns an error if the mail server cannot be installed.
pub(crate) fn mail_server_only() -> Result<(), String> {
    conclude(&[mail_server::step()], &[])
}

fn conclude(steps: &[Step], without: &[Part]) -> Result<(), String> {
    println!();
    let mut all = Counts::default();
    for step in steps {
        println!("{}", step.line());
        all.add(step.counts);
    }
    for part in without {
        println!("{:<7} {}", "LEFT OUT", part.name());
    }
    let failed = steps.iter().any(|step| !step.ok);
    println!("{}", last_line(all, without));
    // The table already shows what failed.
    if failed { Err(String::new()) } else { Ok(()) }
}

fn last_line(Counts { passed, failed }: Counts, without: &[Part]) -> String {
    let line = format!("{passed} passed, {failed} failed");
    if without.is_empty() {
        return line;
    }
    let names: Vec<_> = without.iter().map(|part| part.name()).collect();
    format!("{line}, LEFT OUT: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_line_of_a_partial_run_names_the_parts_left_out() {
        let counts = Counts { passed: 3, failed: 1 };
        assert_eq!(last_line(counts, &[]), "3 passed, 1 failed");
        let without = [Part::OpenApi, Part::Readme];
        assert_eq!(last_line(counts, &without), "3 passed, 1 failed, LEFT OUT: openapi, readme");
    }
}
