//! `cargo xtask bench stores` compares each store with plain statements of sqlx, in one run: verifications, and events
//! recorded in the audit log.
//!
//! `cargo xtask bench stores requests` compares requests that the engine verifies and records with requests that read
//! their key and update a counter in it.
//!
//! `cargo xtask bench stores keys` compares verifications with ten million stored keys and with ten thousand.
//!
//! `cargo xtask bench stores pages` adds ten million events to the audit log and measures the first page of every
//! filter.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod compared;
mod keys;
mod mysql;
mod pages;
mod postgres;
mod requests;
mod sqlite;
mod unrecorded;
mod workload;

use std::{env, process::ExitCode};

use apikeys_benches::{Result, exit};

use self::{compared::Compared, mysql::OnMySql, postgres::OnPostgres, sqlite::OnSqlite};

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    exit(runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run())))
}

async fn run() -> Result<()> {
    let number = || env::args().nth(2).map_or(Ok(10_000_000), |rows| rows.parse());
    match env::args().nth(1).as_deref() {
        Some("pages") => return pages::measure(number()?).await,
        Some("keys") => return keys::measure(number()?).await,
        Some("requests") => return requests::measure().await,
        _ => {}
    }
    println!("medians; a ratio compares the store with plain statements of sqlx in the same run");
    OnSqlite::open().await?.compare().await?;
    OnPostgres::open().await?.compare().await?;
    OnMySql::open().await?.compare().await?;
    Ok(())
}

/// Returns the URL of a server that may create databases.
fn server(variable: &str) -> Result<String> {
    env::var(variable).map_err(|_| format!("{variable} is not set: run `cargo xtask bench stores`").into())
}
