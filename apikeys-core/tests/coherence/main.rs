//! A model of how instances forget a changed key before the change returns.
//!
//! Instances keep keys in a cache while they hold a lease. The simulation runs several instances on one store with random
//! delays, lost messages, stopped processes, suspended machines, crashes and wrong clocks, all from a seed. It checks that a
//! verification that begins after a change has returned never uses an older state, on any instance. A list of mistakes
//! shows that the simulation finds each of them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod bug;
mod clock;
mod instance;
mod random;
mod store;
mod world;

use std::ops::Range;

use self::{bug::Bug, world::Report};

/// The number of schedules of one test.
const SCHEDULES: u64 = 50_000;

/// Runs schedules without a mistake.
fn run(seeds: Range<u64>) {
    let mut all = Report::default();
    for seed in seeds {
        let report = world::run(seed, None);
        assert_eq!(report.stale, 0, "a verification used an older state with seed {seed}");
        all.add(&report);
    }
    println!("{all:?}");
    // Without these, the schedules would show nothing.
    let Report { hits, reads, returned, fenced, resets, .. } = all;
    let fewest = [hits, reads, fenced, resets].into_iter().chain(returned).min();
    assert!(fewest > Some(1_000), "{all:?}");
}

#[test]
fn verification_after_a_change_never_uses_an_older_state() {
    run(0..SCHEDULES);
}

#[test]
fn verification_after_a_change_never_uses_an_older_state_with_other_seeds() {
    run(SCHEDULES..2 * SCHEDULES);
}

#[test]
fn every_mistake_is_found() {
    let mut missed = Vec::new();
    for bug in Bug::ALL {
        match (0..2 * SCHEDULES).find(|seed| world::run(*seed, Some(bug)).stale > 0) {
            Some(seed) => println!("{bug:?} is found with seed {seed}"),
            None => missed.push(bug),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
