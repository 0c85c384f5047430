//! `cargo xtask bench instances` measures what instances on one database wait for each other, and what an idle instance
//! asks the database.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod deletes;
mod idle;

use std::{env, process::ExitCode};

use apikeys_benches::{Result, exit};

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let names: Vec<String> = env::args().skip(1).collect();
    exit(runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run(&names))))
}

async fn run(names: &[String]) -> Result<()> {
    let wanted = |name| names.is_empty() || names.iter().any(|wanted| wanted == name);
    if wanted("deletes") {
        deletes::measure(0).await?;
        deletes::measure(deletes::MODEST_LOAD).await?;
    }
    if wanted("idle") {
        idle::sqlite().await?;
        idle::postgres().await?;
        idle::mysql().await?;
    }
    Ok(())
}

/// Returns the URL of a server that may create databases.
fn server(variable: &str) -> Result<String> {
    env::var(variable).map_err(|_| format!("{variable} is not set: run `cargo xtask bench instances`").into())
}

/// Returns the URL of a database in the server of `url`.
fn in_server(url: &str, name: &str) -> String {
    format!("{}/{name}", url.rsplit_once('/').map_or(url, |(server, _)| server))
}
