//! `cargo xtask bench loopback` measures the requests per second of services with a layer and of the same services
//! without one.
//!
//! A service runs in a process of its own on the first core, and the clients in another process on the second core. The
//! rounds of all services alternate. A ratio is the median of the ratios of the rounds. `loopback` uses a store that drops
//! all batches; `loopback stored` writes every request to a database, and a round ends when all rows are stored.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod cores;
mod load;
mod rounds;
mod serve;
mod server;

use std::{env, process::ExitCode, time::Duration};

use apikeys_benches::{Line, Result, Target, exit, number};

use self::{
    rounds::{Measured, compare},
    serve::Variant,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    exit(match arguments.as_slice() {
        ["serve", variant] => serve::run(variant),
        ["load", address, connections, milliseconds] => load::run(address, connections, milliseconds),
        [] => in_memory(15, Duration::from_secs(1)),
        ["stored"] => stored(9, Duration::from_secs(3)),
        ["--quick"] => in_memory(3, Duration::from_millis(500)),
        ["stored", "--quick"] => stored(1, Duration::from_secs(1)),
        _ => Err("usage: bench-loopback [stored] [--quick]".into()),
    })
}

fn in_memory(rounds: usize, round: Duration) -> Result<()> {
    let variants = [
        Variant::AxumBare,
        Variant::AxumApiKeys,
        Variant::AxumGovernor,
        Variant::AxumHeadersOnly,
        Variant::AxumBare,
    ];
    let measured = compare(&variants, rounds, round)?;
    let [bare, ours, governor, headers_only, again] = measured.as_slice() else {
        return Err("no rounds".into());
    };
    print("P4", "axum, 1,000 keys", ours, bare, Target::AtLeast(0.95));
    print("P4", "axum, tower_governor alone", governor, bare, Target::Shown);
    print("P4", "axum, the changes of headers alone", headers_only, bare, Target::Shown);
    print("P4", "axum, the bare service once more", again, bare, Target::Shown);
    let variants = [Variant::ActixBare, Variant::ActixApiKeys, Variant::ActixHeadersOnly];
    let measured = compare(&variants, rounds, round)?;
    let [bare, ours, headers_only] = measured.as_slice() else { return Err("no rounds".into()) };
    print("P4", "actix-web, 1,000 keys", ours, bare, Target::AtLeast(0.95));
    print("P4", "actix-web, the changes of headers alone", headers_only, bare, Target::Shown);
    Ok(())
}

fn stored(rounds: usize, round: Duration) -> Result<()> {
    let mut variants = vec![Variant::AxumBare, Variant::AxumSqlite];
    if env::var_os("APIKEYS_TEST_POSTGRES_URL").is_some() {
        variants.push(Variant::AxumPostgres);
    }
    let measured = compare(&variants, rounds, round)?;
    let [bare, sqlite, more @ ..] = measured.as_slice() else { return Err("no rounds".into()) };
    print("P4a", "every row stored in SQLite", sqlite, bare, Target::AtLeast(0.8));
    if let [postgres] = more {
        print("P4a", "every row stored in PostgreSQL", postgres, bare, Target::AtLeast(0.65));
    }
    Ok(())
}

/// Prints a line of the table. Beside the rate, it has what the rate alone does not show: the processor time of a request,
/// which depends less on other programs, and the latency of the slowest requests.
fn print(target_number: &'static str, what: &str, ours: &Measured, bare: &Measured, target: Target) {
    let show = |measured: &Measured| {
        format!(
            "{}/s, {:.2} µs of processor time each, core {:.0} % busy, p99 {:.1} ms",
            number(measured.rate()),
            measured.busy() / 1_000.0,
            measured.load() * 100.0,
            measured.p99() / 1_000.0,
        )
    };
    let line = Line::compared(target_number, what, show(ours), show(bare), ours.ratio_to(bare), target);
    println!("{line}");
}
