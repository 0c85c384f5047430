use std::{
    fs::{self, File, OpenOptions, Permissions},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Engine,
    account::Account,
    guardian::Guardian,
    mariadb, postgres, processes,
    programs::{self, Programs},
    random, redis,
};

/// The user that tests log in as. The user may do everything.
const USER: &str = "apikeys";

/// The time that a start, or the end of a killed process, may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// The time between two looks at a server that starts or ends.
const PAUSE: Duration = Duration::from_millis(10);

/// Whether a commit waits until its data is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    Waits,
    DoesNotWait,
}

/// A server in a temporary folder, on a port of 127.0.0.1, with a random password. Dropping the value stops
/// the server and removes the folder.
#[derive(Debug)]
pub struct Server {
    engine: Engine,
    disk: Disk,
    account: Account,
    programs: Programs,
    folder: PathBuf,
    port: u16,
    password: String,
    /// More arguments of the program of a Redis server.
    arguments: Vec<String>,
    log: PathBuf,
    /// The running server, or `None` after a kill.
    child: Option<Child>,
    guardian: Guardian,
}

impl Server {
    /// Sets up a server, starts it, and waits until it accepts connections. `log` is the file that the server logs
    /// to.
    ///
    /// # Errors
    ///
    /// Returns an error if the server is not installed or does not start.
    pub fn start(engine: Engine, log: &Path) -> Result<Self, String> {
        Self::start_with(engine, log, Disk::Waits, &[])
    }

    /// Sets up and starts a Redis server like [`start`](Self::start), with more arguments of the program, for example
    /// `--cluster-enabled yes` or `--sentinel`.
    ///
    /// # Errors
    ///
    /// Returns an error if the server is not installed or does not start.
    pub fn start_redis(arguments: &[&str], log: &Path) -> Result<Self, String> {
        Self::start_with(Engine::Redis, log, Disk::Waits, arguments)
    }

    /// Sets up and starts a server like [`start`](Self::start) that does not wait for the disk. Its data survives a crash
    /// of the server, but not a crash of the machine.
    ///
    /// # Errors
    ///
    /// Returns an error if the server is not installed or does not start.
    pub fn start_without_waiting_for_the_disk(engine: Engine, log: &Path) -> Result<Self, String> {
        Self::start_with(engine, log, Disk::DoesNotWait, &[])
    }

    fn start_with(engine: Engine, log: &Path, disk: Disk, arguments: &[&str]) -> Result<Self, String> {
        let programs = programs::find(engine).ok_or_else(|| {
            format!("{} is not installed: run `cargo xtask servers`, which installs it", engine.name())
        })?;
        let (users, stop) = match engine {
            Engine::Postgres => (postgres::USERS, postgres::STOP),
            Engine::MySql => (mariadb::USERS, mariadb::STOP),
            Engine::Redis => (redis::USERS, redis::STOP),
        };
        let account = Account::choose(users)?;
        let folder = new_folder(engine, &account)?;
        let guardian = Guardian::start(&account, stop, &folder)?;
        let (port, password) = (free_port()?, random::text(32)?);
        let arguments = arguments.iter().map(ToString::to_string).collect();
        let (log, child) = (log.to_owned(), None);
        let mut server =
            Self { engine, disk, account, programs, folder, port, password, arguments, log, child, guardian };
        server.init()?;
        server.run_on_a_free_port()?;
        Ok(server)
    }

    /// The kind of the server.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// The URL of an empty database, with the name and password of a user who may do everything. The URL stays the
    /// same after a restart.
    #[must_use]
    pub fn url(&self) -> String {
        let (scheme, database) = match self.engine {
            Engine::Postgres => ("postgres", postgres::DATABASE),
            Engine::MySql => ("mysql", mariadb::DATABASE),
            Engine::Redis => ("redis", redis::DATABASE),
        };
        format!("{scheme}://{USER}:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// The random password in the URL.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The folder with all files of the server except the log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the ids of the server's processes that run.
    ///
    /// # Errors
    ///
    /// Returns an error if the processes cannot be listed.
    pub fn processes(&self) -> Result<Vec<u32>, String> {
        processes::working_in(&self.folder.join("data"))
    }

    /// Kills all processes of the server with SIGKILL, as a crash would end them, and waits until they have ended.
    /// Does nothing if the server does not run.
    ///
    /// # Errors
    ///
    /// Returns an error if a process cannot be killed.
    pub fn kill(&mut self) -> Result<(), String> {
        if let Some(mut child) = self.child.take() {
            // The first process ends first, so that no process can start another.
            child
                .kill()
                .and_then(|()| child.wait())
                .map_err(|error| format!("cannot kill {}: {error}", self.engine.name()))?;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let running = self.processes()?;
            if running.is_empty() {
                return self.guardian.watch(None);
            }
            if Instant::now() > deadline {
                return Err(format!("the processes {running:?} of {} do not end", self.engine.name()));
            }
            processes::send("KILL", &running)?;
            thread::sleep(PAUSE);
        }
    }

    /// Starts the server again on the same port and with the same files, and waits until it accepts connections. If the
    /// server still runs, it is killed first.
    ///
    /// # Errors
    ///
    /// Returns an error if the server does not start.
    pub fn restart(&mut self) -> Result<(), String> {
        self.kill()?;
        self.run()
    }

    fn init(&self) -> Result<(), String> {
        let Self { account, programs, folder, password, engine, .. } = self;
        let mut command = match engine {
            Engine::Postgres => postgres::init(account, programs, folder, USER, password)?,
            Engine::MySql => mariadb::init(account, programs, folder, USER, password)?,
            Engine::Redis => return redis::init(account, folder, USER, password),
        };
        let program = programs.init.display();
        let output = command.output().map_err(|error| format!("cannot run {program}: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let texts = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        Err(format!("{program} failed: {}", texts.concat()))
    }

    /// Starts the server on another port if the port is taken in the meantime.
    fn run_on_a_free_port(&mut self) -> Result<(), String> {
        for _ in 0..4 {
            match self.run() {
                Err(_) if self.child.is_none() && !is_free(self.port) => self.port = free_port()?,
                done => return done,
            }
        }
        self.run()
    }

    fn run(&mut self) -> Result<(), String> {
        let Self { account, programs, folder, port, .. } = &*self;
        let mut command = match self.engine {
            Engine::Postgres => postgres::server(account, programs, folder, *port),
            Engine::MySql => mariadb::server(account, programs, folder, *port),
            Engine::Redis => redis::server(account, programs, folder, *port),
        };
        command.args(&self.arguments);
        if self.disk == Disk::DoesNotWait {
            command.args(match self.engine {
                Engine::Postgres => postgres::WITHOUT_WAITING,
                Engine::MySql => mariadb::WITHOUT_WAITING,
                Engine::Redis => &[],
            });
        }
        let log = self.open_log()?;
        let already = log.metadata().map_or(0, |metadata| metadata.len());
        let both = log.try_clone().map_err(|error| format!("cannot open the log: {error}"))?;
        let child = command.stdout(Stdio::from(log)).stderr(Stdio::from(both)).spawn();
        let child =
            child.map_err(|error| format!("cannot run {}: {error}", self.programs.server.display()))?;
        let id = child.id();
        self.child = Some(child);
        self.guardian.watch(Some(id))?;
        self.wait_until_ready(id, usize::try_from(already).unwrap_or_default())
    }

    fn wait_until_ready(&mut self, id: u32, already: usize) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = fs::read(&self.log).unwrap_or_default();
            let log = String::from_utf8_lossy(log.get(already..).unwrap_or_default());
            let ready = match self.engine {
                Engine::Postgres => postgres::is_ready(&self.folder, id),
                Engine::MySql => mariadb::is_ready(&log),
                Engine::Redis => redis::is_ready(&log),
            };
            if ready {
                return Ok(());
            }
            let ended = self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if ended {
                self.child = None;
                self.guardian.watch(None)?;
                return Err(format!("{} ended at its start: {log}", self.engine.name()));
            }
            if Instant::now() > deadline {
                return Err(format!("{} does not start within {PATIENCE:?}: {log}", self.engine.name()));
            }
            thread::sleep(PAUSE);
        }
    }

    fn open_log(&self) -> Result<File, String> {
        let file = OpenOptions::new().create(true).append(true).open(&self.log);
        file.map_err(|error| format!("cannot write {}: {error}", self.log.display()))
    }

    /// Stops the server by the signal that lets it clean up.
    fn stop(&mut self) -> Result<(), String> {
        if let (Engine::Postgres, Some(mut child)) = (self.engine, self.child.take()) {
            processes::send(postgres::STOP, &[child.id()])?;
            // The server kills its child processes itself if they do not end within five seconds.
            child.wait().map_err(|error| format!("cannot wait for PostgreSQL: {error}"))?;
        }
        self.kill()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that could not be stopped is stopped by the guardian.
        let _ = self.stop();
        match self.engine {
            Engine::Postgres => postgres::clean_up(&self.folder),
            Engine::MySql => {
                if let Ok(mut log) = self.open_log() {
                    mariadb::clean_up(&self.folder, &mut log);
                }
            }
            Engine::Redis => {}
        }
    }
}

fn new_folder(engine: Engine, account: &Account) -> Result<PathBuf, String> {
    let prefix = match engine {
        Engine::Postgres => "apikeys-postgres-",
        Engine::MySql => "apikeys-mariadb-",
        Engine::Redis => "apikeys-redis-",
    };
    let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(account.temporary());
    let folder = folder.map_err(|error| format!("cannot create a temporary folder: {error}"))?;
    let cannot = |error| format!("cannot prepare {}: {error}", folder.path().display());
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).map_err(cannot)?;
    // The processes of a server are recognized by their folder, which the system names without links.
    let path = folder.path().canonicalize().map_err(cannot)?;
    account.own(&path)?;
    let _ = folder.keep();
    Ok(path)
}

/// Returns a port that nothing uses. The system does not give ports of this range to outgoing connections, so the port
/// is still free when the server is restarted.
fn free_port() -> Result<u16, String> {
    for _ in 0..100 {
        let port = 20_000 + random::below(10_000)?;
        if is_free(port) {
            return Ok(port);
        }
    }
    Err("no port between 20000 and 29999 is free".to_owned())
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}
