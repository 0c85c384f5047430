//! The tests that need PostgreSQL, MariaDB or Redis.

use crate::{counts::Counts, leftovers::Leftovers, servers::Servers, step::Step, test::nextest};

/// Starts the servers, runs the tests that need one of them, and stops the servers.
pub(crate) fn steps(left: &Leftovers) -> Vec<Step> {
    let mut servers = Servers::default();
    let started = Step::check("PostgreSQL, MariaDB and Redis run", || {
        servers = Servers::start(left)?;
        Ok(servers.describe())
    });
    // These tests have the attribute `ignore`, so that `cargo test` works without servers.
    let mut tests = servers.pass_to(nextest(left));
    tests.args(["--run-ignored", "only"]);
    // If a server does not run, its tests fail and say so.
    vec![started, Step::run("tests with the servers", tests, Some(Counts::of_nextest))]
}
