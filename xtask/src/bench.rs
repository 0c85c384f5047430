use std::process::Command;

use crate::{leftovers::Leftovers, servers::Servers, step::tee, workspace::cargo};

/// The measurements and their programs in `benches/`.
const NAMES: [&str; 11] = [
    "audit",
    "forget",
    "instances",
    "layers",
    "loopback",
    "memory",
    "quickstart",
    "record",
    "redis",
    "stores",
    "verification",
];

/// The measurements of the table of targets: the numbers of the targets, the name, and the arguments.
const TARGETS: [(&[&str], &str, &[&str]); 12] = [
    (&["P1", "P1a", "P1b", "P2", "P9"], "verification", &[]),
    (&["P3", "P3a"], "layers", &[]),
    (&["P4"], "loopback", &[]),
    (&["P4a"], "loopback", &["stored"]),
    (&["P4a"], "stores", &["requests"]),
    (&["P5", "P10"], "stores", &[]),
    (&["P7"], "stores", &["pages"]),
    (&["P8"], "memory", &[]),
    (&["P11"], "redis", &[]),
    (&["P12"], "instances", &["deletes"]),
    (&["P13"], "stores", &["keys"]),
    (&["P14"], "instances", &["idle"]),
];

const HEAD: &str =
    "| target | measured | ours | yardstick | ratio | bound |\n| --- | --- | --- | --- | ---: | ---: |";

/// Runs the measurement with this name.
///
/// # Errors
///
/// Returns an error if the name is unknown, if a server does not start, or if the measurement cannot be run or fails.
pub(crate) fn run(name: &str, arguments: &[&str]) -> Result<(), String> {
    let (mut command, _servers) = prepare(name, arguments)?;
    let status = command.status().map_err(|error| format!("cannot run cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err("the measurement failed; its output is above".to_owned()) }
}

/// Runs the measurements of the targets with these numbers, or of all targets, and prints one table.
///
/// # Errors
///
/// Returns an error if a number is unknown or a measurement failed. The table then has the lines of the others.
pub(crate) fn targets(numbers: &[&str]) -> Result<(), String> {
    if let Some(unknown) = numbers.iter().find(|number| TARGETS.iter().all(|(of, ..)| !of.contains(number))) {
        let mut known: Vec<&str> = TARGETS.iter().flat_map(|(of, ..)| of.iter().copied()).collect();
        // Two measurements have lines of one target.
        known.dedup();
        return Err(format!("unknown target {unknown}; the targets are {}", known.join(", ")));
    }
    let (mut lines, mut failed) = (Vec::new(), Vec::new());
    for (of, name, arguments) in TARGETS {
        if !numbers.is_empty() && !of.iter().any(|number| numbers.contains(number)) {
            continue;
        }
        println!("\n── {name} {}", arguments.join(" "));
        let (mut command, _servers) = prepare(name, arguments)?;
        let (success, output) = tee(&mut command).map_err(|error| format!("cannot run cargo: {error}"))?;
        lines.extend(output.lines().filter(|line| line.starts_with("| P")).map(str::to_owned));
        if !success {
            failed.push(format!("{name} {}", arguments.join(" ")));
        }
    }
    lines.sort_by_key(|line| place(line));
    println!("\n{HEAD}\n{}", lines.join("\n"));
    if failed.is_empty() { Ok(()) } else { Err(format!("these measurements failed: {}", failed.join(", "))) }
}

/// Returns the number and the letter of a line's target.
fn place(line: &str) -> (u32, String) {
    let target = line.trim_start_matches("| P").split(' ').next().unwrap_or_default();
    let letter = target.trim_start_matches(|character: char| character.is_ascii_digit());
    (target.trim_end_matches(letter).parse().unwrap_or(u32::MAX), letter.to_owned())
}

/// Returns the command of a measurement, and the servers that it needs. They wait until each commit is on the disk.
fn prepare(name: &str, arguments: &[&str]) -> Result<(Command, Option<Servers>), String> {
    if !NAMES.contains(&name) {
        return Err(format!(
            "unknown measurement {name}; the measurements are {} and targets",
            NAMES.join(", ")
        ));
    }
    let program = format!("bench-{name}");
    let mut command = cargo(&["run", "--release", "--package", "apikeys-benches", "--bin", &program, "--"]);
    command.args(arguments);
    if !matches!((name, arguments), ("stores" | "instances" | "redis", _) | ("loopback", ["stored", ..])) {
        return Ok((command, None));
    }
    let servers = Servers::for_measurements(&Leftovers::in_target())?;
    let command = servers.pass_to(command);
    Ok((command, Some(servers)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_sorted_by_the_number_and_then_the_letter_of_their_target() {
        let mut lines = ["| P10 | a", "| P3a | b", "| P2 | c", "| P3 | d"];
        lines.sort_by_key(|line| place(line));
        assert_eq!(lines, ["| P2 | c", "| P3 | d", "| P3a | b", "| P10 | a"]);
    }

    #[test]
    fn unknown_measurement_and_unknown_target_are_rejected_with_the_known_names() {
        let message = run("layer", &[]).unwrap_err();
        assert!(
            message.starts_with("unknown measurement layer; the measurements are audit, forget,"),
            "{message}"
        );
        let message = targets(&["P3", "P99"]).unwrap_err();
        assert!(message.starts_with("unknown target P99; the targets are P1, P1a,"), "{message}");
        assert!(message.contains(", P4, P4a, P5, "), "{message}");
    }
}
