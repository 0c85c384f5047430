//! The engine's own code in the simulation that `tests/coherence` runs as a model.
//!
//! Several engines use one store. Everything that they wait for is simulated: the network between them and the store,
//! which delays and loses messages, and the clocks, which drift, stand still and are set. Processes are stopped, and
//! callers stop waiting. The names of keys and plans are numbered, so that each admitted request shows which state it
//! used.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod clock;
mod history;
mod network;
#[path = "../coherence/random.rs"]
mod random;
mod schedule;
mod simulation;

use std::ops::Range;

use self::schedule::Report;

/// The number of schedules of one test. The variable `COHERENCE_SCHEDULES` sets another number.
fn schedules() -> u64 {
    let number = std::env::var("COHERENCE_SCHEDULES").ok();
    number.map_or(20_000, |number| number.parse().expect("a number"))
}

fn run(seeds: Range<u64>) {
    let mut all = Report::default();
    for seed in seeds {
        let report = schedule::run(seed);
        assert!(report.stale.is_empty(), "with seed {seed}: {:#?}", report.stale);
        all.add(&report);
    }
    println!("{all:?}");
    // Without these, the schedules would show nothing.
    let Report { cached, read, changed, fenced, dropped, .. } = all;
    let fewest = [cached, read, changed, fenced, dropped].into_iter().min();
    assert!(fewest > Some(100), "{all:?}");
}

#[test]
fn verification_after_a_change_never_uses_an_older_state() {
    run(0..schedules());
}

#[test]
fn verification_after_a_change_never_uses_an_older_state_with_other_seeds() {
    run(schedules()..2 * schedules());
}
