//! Starts a server and waits until it is killed. A test kills this program.
//!
//! Usage: `hold-server postgres|mysql|redis LOG`

#![allow(clippy::print_stdout, reason = "the test reads the output")]

use std::{path::PathBuf, thread, time::Duration};

use apikeys_test_servers::{Engine, Server};

fn main() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let engine = match arguments.next().as_deref() {
        Some("postgres") => Engine::Postgres,
        Some("mysql") => Engine::MySql,
        Some("redis") => Engine::Redis,
        _ => return Err("the first argument is postgres, mysql or redis".to_owned()),
    };
    let log = PathBuf::from(arguments.next().ok_or("the second argument is the log")?);
    let server = Server::start(engine, &log)?;
    println!("{}", server.folder().display());
    loop {
        thread::sleep(Duration::from_secs(60));
    }
}
