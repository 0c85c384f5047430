//! The quickstart on actix-web: a small service whose callers need an API key. Keys are in SQLite, or in
//! the database that `DATABASE_URL` names, such as `postgres://user:password@localhost/keys`.
//!
//! Run `cargo run --example actix` and use the curl line that it prints.

#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::{error::Error, process::ExitCode};

use actix_web::{App, HttpServer};
use apikeys_actix::ApiKeyMiddleware;
use apikeys_example_actix::routes;
use apikeys_example_shared::{Start, drain, log_to_stderr, report};

#[actix_web::main]
async fn main() -> ExitCode {
    log_to_stderr();
    report(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let start = Start::new("actix").await?;
    println!("{}", start.lines()?);

    let (demo, keys) = (start.demo.clone(), ApiKeyMiddleware::new(start.demo.keys.clone()));
    let serving = HttpServer::new(move || App::new().configure(|app| routes(app, &demo, &keys)))
        // Drops a handler when its client disconnects, so that the request is recorded as aborted.
        .h1_allow_half_closed(false)
        .tcp_nodelay(true)
        .shutdown_signal(start.stop.clone().requested())
        .listen(start.listener)?
        .run();
    let _ = drain(&start.demo.keys, start.stop.requested(), serving).await?;
    start.database.close().await?;
    Ok(())
}
