//! `cargo xtask bench memory` measures the memory of keys in use. An allocator counts the bytes that are in use, as they
//! were asked for.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use std::{alloc::System, process::ExitCode};

use apikeys_benches::{Engine, Line, Result, Target, exit, number};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const KEYS: usize = 100_000;

fn main() -> ExitCode {
    exit(live_key().and_then(|()| admissions(1_000, 60)).and_then(|()| admissions(100, 10_000)))
}

/// Measures a key in the cache that had one request, which is over.
fn live_key() -> Result<()> {
    let engine = Engine::new(KEYS)?;
    // The first requests create what the engine needs for any number of keys.
    let (_, before) = (engine.verify(&[0]), in_use());
    engine.warm_up()?;
    let bytes = per(in_use() - before, KEYS)?;
    println!("{}", Line::absolute("P8", "a key in memory", bytes, "B", Target::AtMost(400.0)));
    Ok(())
}

/// Measures the memory of each further request that a rate limit still counts.
fn admissions(keys: usize, requests: usize) -> Result<()> {
    let engine = Engine::new(keys)?;
    engine.warm_up()?;
    engine.next_minute()?;
    let everything: Vec<usize> = (0..keys).collect();
    let before = in_use();
    for _ in 0..requests {
        if engine.verify(&everything) != keys {
            return Err("a request was denied".into());
        }
        engine.flush()?;
    }
    let bytes = per(in_use() - before, keys * requests)?;
    let what =
        format!("an admitted request inside the window, of {}", number(f64::from(u32::try_from(requests)?)));
    println!("{}", Line::absolute("P8", what, bytes, "B", Target::AtMost(8.0)));
    Ok(())
}

/// Returns the bytes that are allocated now.
fn in_use() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.wrapping_sub(stats.bytes_deallocated)
}

fn per(bytes: usize, number: usize) -> Result<f64> {
    Ok(f64::from(u32::try_from(bytes)?) / f64::from(u32::try_from(number)?))
}
