//! The quickstart on axum: a small service whose API is protected by keys on SQLite.
//!
//! `cargo run --example axum`, then use the curl line that it prints.

#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::{
    error::Error,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
};

use apikeys_example_axum::router;
use apikeys_example_shared::{Config, Demo, drain, log_to_stderr, report, stop_signal};
use axum::serve::ListenerExt;
use tokio::{net::TcpListener, sync::watch};

#[tokio::main]
async fn main() -> ExitCode {
    log_to_stderr();
    report(run().await)
}

async fn run() -> Result<(), Box<dyn Error>> {
    let config = Config::from_env()?;
    let stop = stop_signal()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).await?;
    let address = listener.local_addr()?;

    let (demo, maintenance, kept_in) = Demo::open(&config).await?;
    tokio::spawn(maintenance.run());
    let ready_made = demo.ready_made_key("axum").await?;

    // Answers are small: they leave at once.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY is not set");
        }
    });
    let app = router(&demo).into_make_service_with_connect_info::<SocketAddr>();

    let (stopping, mut stopped) = watch::channel(false);
    let mut stopped_too = stopped.clone();
    tokio::spawn(async move {
        stop.await;
        stopping.send_replace(true);
    });
    println!("keys are kept in {kept_in}");
    println!("listening on http://{address}");
    println!("log in as an administrator of org_demo: {}", demo.admin_link(address));
    println!("{}", ready_made.lines(address));

    let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    });
    let stopping = async move {
        let _ = stopped_too.wait_for(|stop| *stop).await;
    };
    let _ = drain(&demo.keys, stopping, serving.into_future()).await?;
    Ok(())
}
