//! The quickstart on axum: a small service whose callers need an API key. Keys are in SQLite, or in
//! the database that `DATABASE_URL` names, such as `postgres://user:password@localhost/keys`.
//!
//! Run `cargo run --example axum` and use the curl line that it prints.

#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::{error::Error, net::SocketAddr, process::ExitCode};

use apikeys_example_axum::router;
use apikeys_example_shared::{Start, drain, log_to_stderr, report};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> ExitCode {
    log_to_stderr();
    report(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let start = Start::new("axum").await?;
    println!("{}", start.lines()?);

    // Responses are small and are sent without delay.
    let listener = TcpListener::from_std(start.listener)?.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY is not set");
        }
    });
    let app = router(&start.demo).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, app).with_graceful_shutdown(start.stop.clone().requested());
    let _ = drain(&start.demo.keys, start.stop.requested(), serving.into_future()).await?;
    start.database.close().await?;
    Ok(())
}
