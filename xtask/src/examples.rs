//! The examples, which tests start as programs.

use std::process::Command;

use crate::{
    browser,
    step::Step,
    workspace::{cargo, target},
};

/// Builds all examples, with the features of the tests: cargo then builds each dependency once for both.
pub(crate) fn step() -> Step {
    let build = ["build", "--workspace", "--exclude", browser::PACKAGE, "--all-features", "--examples"];
    Step::run("the examples build", cargo(&build), None)
}

/// Passes the folder of the programs to a command that runs tests, in its environment. Each test would otherwise
/// ask cargo whether the programs are up to date.
pub(crate) fn pass_to(mut command: Command) -> Command {
    command.env("APIKEYS_TEST_EXAMPLES", target().join("debug/examples"));
    command
}
