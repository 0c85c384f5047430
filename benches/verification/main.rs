//! `cargo xtask bench verification` measures what a verification of a cached key costs, in this process and without a
//! database: the look-up, the exact rate limit and the event for the audit log.
//!
//! Each line compares with a yardstick that is measured in the same round. The medians of all rounds are printed.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod engine;
mod store;

use std::{
    collections::HashMap,
    error::Error,
    hint::black_box,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use self::engine::Engine;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

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
    match sizes.into_iter().try_for_each(measure) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
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
    let number = if keys == 1 { OF_ONE_KEY } else { VERIFICATIONS };
    let (mut ours, mut yardstick, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
    let known: HashMap<[u8; 32], usize> =
        engine.secrets.iter().enumerate().map(|(place, secret)| (digest(secret), place)).collect();
    for round in 0..ROUNDS {
        let order = order(keys, number, round);
        engine.next_minute()?;
        ours.push(per(time(&engine, &order, CHUNK, |some| engine.verify(some))?, number));
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
        yardstick.push(per(began.elapsed(), number));
        engine.next_minute()?;
        // Both threads together make as many verifications. Each makes so many that its start takes little of the time.
        let both = |some: &[usize]| {
            let (one, other) = some.split_at(some.len() / 2);
            thread::scope(|scope| {
                let first = scope.spawn(|| engine.verify(one));
                engine.verify(other) + first.join().unwrap_or_default()
            })
        };
        pairs.push(per(time(&engine, &order, 10 * CHUNK, both)?, number));
    }
    let (ours, yardstick, pairs) = (median(ours), median(yardstick), median(pairs));
    let of = if keys == 1 { "SHA-256" } else { "SHA-256 and a HashMap" };
    println!("  verification {ours:.0} ns, {of} {yardstick:.0} ns: {:.2} times", ours / yardstick);
    println!("  two threads: {:.2} times the rate of one", ours / pairs);
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

/// Measures how fast text with a wrong checksum is denied.
fn denials(engine: &Engine) -> Result<()> {
    let secret = engine.secrets.first().ok_or("no secret")?;
    let last = if secret.ends_with('0') { '1' } else { '0' };
    let wrong = format!("{}{last}", secret.get(..secret.len() - 1).unwrap_or_default());
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for _ in 0..VERIFICATIONS {
            engine.deny(&wrong)?;
        }
        times.push(per(began.elapsed(), VERIFICATIONS));
    }
    let time = median(times);
    println!("  denial of a wrong checksum {time:.0} ns: {:.1} million a second", 1_000.0 / time);
    Ok(())
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Returns random places of keys. The same round always has the same places.
fn order(keys: usize, number: usize, round: usize) -> Vec<usize> {
    let mut state = round as u64 + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 1).unwrap_or_default() % keys
    };
    (0..number).map(|_| next()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53")]
fn per(time: Duration, number: usize) -> f64 {
    time.as_nanos() as f64 / number as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Returns the resident memory of this process in bytes.
fn resident() -> Result<usize> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages: usize = text.split(' ').nth(1).ok_or("no pages")?.parse()?;
    Ok(pages * 4096)
}
