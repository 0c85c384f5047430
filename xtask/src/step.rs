use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::counts::Counts;

/// The result of one step.
#[derive(Debug)]
pub(crate) struct Step {
    name: &'static str,
    took: Duration,
    pub(crate) counts: Counts,
    pub(crate) ok: bool,
}

impl Step {
    /// Runs `command`, shows its output, and passes the output to `count`, which reads the numbers of tests.
    ///
    /// The step succeeds if the command succeeds and no test failed. With `count`, at least one test must have
    /// passed. A failed step without failed tests counts as one failure.
    pub(crate) fn run(name: &'static str, mut command: Command, count: Option<fn(&str) -> Counts>) -> Self {
        println!("\n── {name}");
        let began = Instant::now();
        let (success, output) = match tee(&mut command) {
            Ok(done) => done,
            Err(error) => (false, format!("cannot run the step: {error}\n")),
        };
        let counts = count.map_or(Counts::default(), |count| count(&output));
        Self::judge(name, began.elapsed(), success, counts, count.is_some())
    }

    /// Runs `work`, which counts as one check, and shows the text that it returns.
    pub(crate) fn check(name: &'static str, work: impl FnOnce() -> Result<String, String>) -> Self {
        println!("\n── {name}");
        let began = Instant::now();
        let result = work();
        let (ok, text) = match result {
            Ok(text) => (true, text),
            Err(text) => (false, text),
        };
        println!("{text}");
        let counts = Counts { passed: u64::from(ok), failed: u64::from(!ok) };
        Self::judge(name, began.elapsed(), ok, counts, true)
    }

    fn judge(name: &'static str, took: Duration, success: bool, mut counts: Counts, counted: bool) -> Self {
        let ok = success && counts.failed == 0 && (!counted || counts.passed > 0);
        if !ok && counts.failed == 0 {
            if success {
                println!("the step \"{name}\" fails because it ran no tests");
            }
            counts.failed = 1;
        }
        Self { name, took, counts, ok }
    }

    /// Returns the line of the step in the table at the end.
    pub(crate) fn line(&self) -> String {
        let Self { name, took, counts, ok } = self;
        let verdict = if *ok { "ok" } else { "FAILED" };
        let seconds = took.as_secs_f64();
        let Counts { passed, failed } = counts;
        format!("{verdict:<7} {seconds:>7.1} s  {passed:>5} passed {failed:>4} failed  {name}")
    }
}

/// Runs a command, shows its output, and returns whether it succeeded together with the output.
pub(crate) fn tee(command: &mut Command) -> io::Result<(bool, String)> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let out = child.stdout.take().map(|pipe| thread::spawn(|| copy(pipe, io::stdout())));
    let err = child.stderr.take().map(|pipe| thread::spawn(|| copy(pipe, io::stderr())));
    let mut output = String::new();
    for thread in [out, err].into_iter().flatten() {
        output.push_str(&thread.join().unwrap_or_default());
    }
    Ok((child.wait()?.success(), output))
}

fn copy(from: impl Read, mut to: impl Write) -> String {
    let mut all = String::new();
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
        // The tests go on if the terminal is closed.
        let _ = to.write_all(&line);
        all.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn step_that_ran_no_tests_fails() {
        let step = Step::run("nothing", shell("true"), Some(Counts::of_libtest));
        assert!(!step.ok);
        assert_eq!(step.counts, Counts { passed: 0, failed: 1 });
    }

    #[test]
    fn step_with_passed_tests_and_a_failed_command_fails() {
        let script = "echo 'test result: ok. 3 passed; 0 failed; 0 ignored'; exit 3";
        let step = Step::run("failing", shell(script), Some(Counts::of_libtest));
        assert!(!step.ok);
        assert_eq!(step.counts, Counts { passed: 3, failed: 1 });
    }

    #[test]
    fn step_with_a_summary_on_stderr_counts_its_tests() {
        let script = "echo '     Summary [   0.3s] 5 tests run: 5 passed, 0 skipped' >&2";
        let step = Step::run("passing", shell(script), Some(Counts::of_nextest));
        assert!(step.ok);
        assert_eq!(step.counts, Counts { passed: 5, failed: 0 });
    }

    #[test]
    fn step_with_a_missing_command_fails() {
        let step = Step::run("missing", Command::new("/nonexistent/command"), None);
        assert!(!step.ok && step.counts.failed == 1);
    }
}
