use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use apikeys_test_leftovers::{note_secret, of_this_process};

use crate::{Engine, Server};

/// A server that only one test uses, which may kill it. Dropping the value stops the server and removes its files. Its log
/// is among the files that are searched for secrets.
///
/// Setting up a server takes some seconds. All methods block the thread, so a test with a single-threaded
/// runtime calls them through `spawn_blocking`.
#[derive(Debug)]
pub struct PrivateServer {
    server: Server,
}

impl PrivateServer {
    /// Sets up a server, starts it, and waits until it accepts connections.
    #[must_use]
    pub fn start(engine: Engine) -> Self {
        Self::start_with(engine, |log| Server::start(engine, log))
    }

    /// Sets up and starts a Redis server like [`start`](Self::start), with more arguments of the program, for example
    /// `--cluster-enabled yes` or `--sentinel`.
    #[must_use]
    pub fn start_redis(arguments: &[&str]) -> Self {
        Self::start_with(Engine::Redis, |log| Server::start_redis(arguments, log))
    }

    fn start_with(engine: Engine, start: impl FnOnce(&Path) -> Result<Server, String>) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let log = of_this_process().path(&format!("{}-{number}.log", engine.name()));
        let server = start(&log).unwrap_or_else(|error| panic!("{error}"));
        note_secret("", server.password());
        Self { server }
    }

    /// The URL of an empty database, with the name and password of a user who may do everything. The URL stays the same
    /// after a restart.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The server itself, with its port, folder and processes.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// Kills all processes of the server with SIGKILL, as a crash would end them, and waits until they have ended.
    pub fn kill(&mut self) {
        self.server.kill().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Starts the server again on the same port and with the same files, and waits until it accepts connections. If the
    /// server still runs, it is killed first.
    pub fn restart(&mut self) {
        self.server.restart().unwrap_or_else(|error| panic!("{error}"));
    }
}
