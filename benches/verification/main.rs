//! `cargo xtask bench verification` measures what a verification of a cached key costs, in this process and without a
//! database: the look-up, the exact rate limit and the event for the audit log.
//!
//! Each line compares with a yardstick that is measured in the same round. The medians of all rounds are printed.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use std::{
    collections::HashMap,
    hint::black_box,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use apikeys_benches::{
    Engine, Line, Result, Target, exit, median, number, order, per, secrets, time as shown,
};
use sha2::{Digest, Sha256};

const ROUNDS: usize = 31;
/// The verifications of one round. A key admits 10,000 requests a minute, and the clock goes on between two rounds.
const VERIFICATIONS: usize = 200_000;
const OF_ONE_KEY: usize = 10_000;
/// The verifications between two flushes, like the default size of a batch.
const CHUNK: usize = 1_000;

fn main() -> ExitCode {
    let sizes: Vec<usize> = match std::env::args().nth(1).map(|argument| argument.parse()) {
        None => vec![1, 1_000, 100_000, 1_000_000],
        Some(Ok(size)) => vec![size],
        Some(Err(_)) => {
            eprintln!("usage: bench-verification [NUMBER OF KEYS]");
            return ExitCode::FAILURE;
        }
    };
    exit(sizes.into_iter().try_for_each(measure))
}

fn measure(keys: usize) -> Result<()> {
    let before = resident()?;
    let engine = Engine::new(keys)?;
    let planted = resident()?;
    engine.warm_up()?;
    let filled = resident()?;
    println!("{keys} keys");
    if keys >= 100_000 {
        let bytes = (filled.saturating_sub(planted)) / keys;
        println!(
            "  memory of a live key with one admission: {bytes} bytes ({} MB before)",
            (planted - before) >> 20
        );
    }
    let requests = if keys == 1 { OF_ONE_KEY } else { VERIFICATIONS };
    let (mut ours, mut yardstick, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
    let known: HashMap<[u8; 32], usize> =
        engine.secrets.iter().enumerate().map(|(place, secret)| (digest(secret), place)).collect();
    for round in 0..ROUNDS {
        let order = order(keys, requests, round);
        engine.next_minute()?;
        ours.push(per(time(&engine, &order, CHUNK, |some| engine.verify(some))?, requests));
        let began = Instant::now();
        for &place in &order {
            let secret = engine.secrets.get(place).map(String::as_str).unwrap_or_default();
            let digest = digest(secret);
            if keys == 1 {
                black_box(digest);
            } else {
                black_box(known.get(&digest));
            }
        }
        yardstick.push(per(began.elapsed(), requests));
        engine.next_minute()?;
        // Both threads together make as many verifications. Each makes so many that its start takes little of the time.
        let both = |some: &[usize]| {
            let (one, other) = some.split_at(some.len() / 2);
            thread::scope(|scope| {
                let first = scope.spawn(|| engine.verify(one));
                engine.verify(other) + first.join().unwrap_or_default()
            })
        };
        pairs.push(per(time(&engine, &order, 10 * CHUNK, both)?, requests));
    }
    let (ours, yardstick, pairs) = (median(ours), median(yardstick), median(pairs));
    let of = if keys == 1 { "SHA-256" } else { "SHA-256 and a HashMap" };
    let (p1, target) = match keys {
        1 => ("P1", Target::AtMost(4.0)),
        100_000 => ("P1a", Target::AtMost(4.0)),
        1_000_000 => ("P1b", Target::AtMost(4.0)),
        _ => ("P1", Target::Shown),
    };
    let what = format!("verification, {}", keys_text(keys));
    let yardstick_text = format!("{}, {of}", shown(yardstick));
    println!("{}", Line::compared(p1, what, shown(ours), yardstick_text, ours / yardstick, target));
    let target = match keys {
        1 => Target::AtLeast(1.0),
        1_000 => Target::AtLeast(1.7),
        _ => Target::Shown,
    };
    let what = format!("two threads, {}", keys_text(keys));
    let one = format!("{}, one thread", shown(ours));
    println!("{}", Line::compared("P2", what, shown(pairs), one, ours / pairs, target));
    if keys == 1_000 {
        denials(&engine)?;
    }
    Ok(())
}

/// Returns how long `verify` takes for all keys. After each chunk, the events are written, which is not counted.
fn time(
    engine: &Engine,
    order: &[usize],
    chunk: usize,
    verify: impl Fn(&[usize]) -> usize,
) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for some in order.chunks(chunk) {
        let began = Instant::now();
        let admitted = verify(some);
        total += began.elapsed();
        if admitted != some.len() {
            return Err(format!("{admitted} of {} requests were admitted", some.len()).into());
        }
        engine.flush()?;
    }
    Ok(total)
}

/// Measures how fast text with a wrong checksum is denied, and how much work an unknown secret makes before the store is
/// asked.
fn denials(engine: &Engine) -> Result<()> {
    let secret = engine.secrets.first().ok_or("no secret")?;
    let last = if secret.ends_with('0') { '1' } else { '0' };
    let wrong = format!("{}{last}", secret.get(..secret.len() - 1).unwrap_or_default());
    let denials = rate(|| engine.deny(&wrong))?;
    println!("{}", Line::absolute("P9", "denial of a wrong checksum", denials, "M/s", Target::AtLeast(10.0)));
    for unknown in secrets(1)? {
        let begun = rate(|| engine.begin(&unknown))?;
        let what = "an unknown secret, until the store is asked";
        println!("{}", Line::absolute("P9", what, begun, "M/s", Target::AtLeast(5.0)));
    }
    Ok(())
}

/// Returns how often one thread can call `once`, in millions a second.
fn rate(once: impl Fn() -> Result<()>) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for _ in 0..VERIFICATIONS {
            once()?;
        }
        times.push(per(began.elapsed(), VERIFICATIONS));
    }
    Ok(1_000.0 / median(times))
}

fn keys_text(keys: usize) -> String {
    match keys {
        1 => "1 key".to_owned(),
        more => format!("{} keys", number(f64::from(u32::try_from(more).unwrap_or(u32::MAX)))),
    }
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Returns the resident memory of this process in bytes.
fn resident() -> Result<usize> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages: usize = text.split(' ').nth(1).ok_or("no pages")?.parse()?;
    Ok(pages * 4096)
}
