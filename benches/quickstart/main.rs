//! `cargo xtask bench quickstart` measures the requests per second of the quickstart's API: without the layer, with the
//! layer on a store in memory, and with the layer on SQLite.
//!
//! Each server is a separate process of this program. The clients run in this process and keep their connections open.
//! The rounds of the servers alternate, so that other load on the machine affects all servers, and the medians are
//! compared. Clients and servers share the processors. The cost of the layer is the difference of the times per
//! request.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod client;
mod server;

use std::{env, error::Error, process::ExitCode, time::Duration};

use self::{
    client::measure,
    server::{Server, Variant, serve},
};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const VARIANTS: [Variant; 3] = [Variant::WithoutKeys, Variant::InMemory, Variant::OnSqlite];
const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_secs(2);
const CONNECTIONS: usize = 16;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["serve", variant] => in_runtime(serve(variant)),
        [] => in_runtime(compare(ROUNDS, ROUND)),
        ["--quick"] => in_runtime(compare(1, ROUND / 4)),
        _ => Err("usage: bench-quickstart [--quick]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn in_runtime(work: impl Future<Output = Result<()>>) -> Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

async fn compare(rounds: usize, round: Duration) -> Result<()> {
    let mut servers = Vec::new();
    for variant in VARIANTS {
        servers.push((variant, Server::start(variant).await?, Vec::new()));
    }
    for (_, server, _) in &servers {
        // The first requests warm up connections, caches and the processor's clock.
        measure(server, CONNECTIONS, round / 4).await?;
    }
    for _ in 0..rounds {
        for (_, server, rates) in &mut servers {
            rates.push(measure(server, CONNECTIONS, round).await?);
        }
    }
    println!("{CONNECTIONS} connections, {rounds} rounds of {round:?}; requests per second");
    println!("{:<16} {:>9} {:>9} {:>9} {:>7}", "", "median", "lowest", "highest", "ratio");
    let mut base = None;
    for (variant, _, rates) in &mut servers {
        rates.sort_by(f64::total_cmp);
        let (Some(lowest), Some(median), Some(highest)) =
            (rates.first(), rates.get(rates.len() / 2), rates.last())
        else {
            return Err("nothing was measured".into());
        };
        let ratio = median / *base.get_or_insert(*median);
        println!("{:<16} {median:>9.0} {lowest:>9.0} {highest:>9.0} {ratio:>7.3}", variant.as_str());
    }
    Ok(())
}
