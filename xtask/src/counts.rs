/// The numbers of checks that passed and failed in a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Counts {
    /// Reads the summary of `cargo nextest run`. Returns zeros if the output has no summary.
    pub(crate) fn of_nextest(output: &str) -> Self {
        let summary = output.lines().rev().find(|line| {
            line.trim_start().starts_with("Summary [")
                && (line.contains("tests run:") || line.contains("test run:"))
        });
        let Some((run, results)) = summary.and_then(|line| line.split_once(']')).and_then(|(_, rest)| {
            let (run, results) = rest.split_once(':')?;
            Some((run.split_whitespace().next()?, results))
        }) else {
            return Self::default();
        };
        // `7/12 tests run` means that the run was cut short. The other tests count as failed.
        let planned = run.rsplit('/').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        let passed = before(results, " passed").unwrap_or(0).min(planned);
        Self { passed, failed: planned - passed }
    }

    /// Adds up the summaries that `cargo test` prints for each crate.
    pub(crate) fn of_libtest(output: &str) -> Self {
        let mut counts = Self::default();
        for line in output.lines().filter(|line| line.starts_with("test result:")) {
            counts.passed += before(line, " passed").unwrap_or(0);
            counts.failed += before(line, " failed").unwrap_or(0);
        }
        counts
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Returns the number directly before `word`.
fn before(text: &str, word: &str) -> Option<u64> {
    let (head, _) = text.split_once(word)?;
    head.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_output_with_any_summary_line_gives_its_counts() {
        for (line, passed, failed) in [
            ("     Summary [   0.310s] 179 tests run: 179 passed, 2 skipped", 179, 0),
            ("     Summary [   1.000s] 1 test run: 1 passed, 0 skipped", 1, 0),
            (
                "     Summary [  61.000s] 10 tests run: 8 passed (1 slow, 2 leaky), 1 failed, 1 timed out, 0 skipped",
                8,
                2,
            ),
            ("     Summary [   1.000s] 7/12 tests run: 6 passed, 1 failed, 0 skipped", 6, 6),
            ("     Summary [   0.000s] 0 tests run: 0 passed, 0 skipped", 0, 0),
            ("error: could not compile", 0, 0),
        ] {
            let output = format!("    Starting tests\n{line}\nerror: test run failed\n");
            assert_eq!(Counts::of_nextest(&output), Counts { passed, failed }, "{line}");
        }
    }

    #[test]
    fn libtest_output_of_several_crates_gives_the_sums() {
        let output = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
                      noise\n\
                      test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(Counts::of_libtest(output), Counts { passed: 7, failed: 2 });
        assert_eq!(Counts::of_libtest("error: no such crate"), Counts::default());
    }
}
