//! `cargo xtask bench stores` compares each store with plain statements of sqlx, in one run: verifications, and events
//! recorded in the audit log.
//!
//! `cargo xtask bench stores pages` adds ten million events to the audit log and measures the first page of every
//! filter.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

mod compared;
mod mysql;
mod pages;
mod postgres;
mod sqlite;
mod times;
mod workload;

use std::{env, error::Error, process::ExitCode};

use self::{compared::Compared, mysql::OnMySql, postgres::OnPostgres, sqlite::OnSqlite};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    if env::args().nth(1).as_deref() == Some("pages") {
        return pages::measure(env::args().nth(2).map_or(Ok(10_000_000), |rows| rows.parse())?).await;
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
