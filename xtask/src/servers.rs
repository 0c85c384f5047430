//! The servers that tests need: databases and Redis.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use apikeys_test_servers::{Engine, Server, is_installed};

use crate::leftovers::Leftovers;

/// The package in whose folder the servers' logs are searched for secrets.
const PACKAGE: &str = "apikeys-test-servers";

/// The servers that tests use: for each engine either one that this value has started, or one that an environment
/// variable names. Dropping the value stops the servers that it has started.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    started: Vec<Server>,
    /// What is used, for the output.
    used: Vec<String>,
}

impl Servers {
    /// Starts a server for each engine whose environment variable is not set. Installs missing servers.
    ///
    /// # Errors
    ///
    /// Returns an error if a server is missing and cannot be installed, or if it does not start.
    pub(crate) fn start(left: &Leftovers) -> Result<Self, String> {
        // Tests create and remove hundreds of databases. They kill servers, but not the machine.
        Self::start_with(left, Server::start_without_waiting_for_the_disk)
    }

    /// Starts servers like [`start`](Self::start) that wait until each commit is on the disk, as in production.
    ///
    /// # Errors
    ///
    /// Returns an error if a server is missing and cannot be installed, or if it does not start.
    pub(crate) fn for_measurements(left: &Leftovers) -> Result<Self, String> {
        Self::start_with(left, Server::start)
    }

    fn start_with(
        left: &Leftovers,
        start: impl Fn(Engine, &Path) -> Result<Server, String>,
    ) -> Result<Self, String> {
        let mut servers = Self::default();
        for engine in Engine::ALL {
            let variable = engine.url_variable();
            if env::var_os(variable).is_some_and(|url| !url.is_empty()) {
                servers.used.push(format!("the tests use the server in {variable}"));
                continue;
            }
            ensure_installed(engine)?;
            let server = start(engine, &log(left, engine)?)?;
            left.register_password(PACKAGE, server.password())?;
            servers.used.push(format!("{} runs on port {}", engine.name(), server.port()));
            servers.started.push(server);
        }
        Ok(servers)
    }

    /// Returns what is used, in one line for each server.
    pub(crate) fn describe(&self) -> String {
        self.used.join("\n")
    }

    /// Passes the URLs of the started servers to a command, in its environment.
    pub(crate) fn pass_to(&self, mut command: Command) -> Command {
        for server in &self.started {
            command.env(server.engine().url_variable(), server.url());
        }
        command
    }
}

/// Runs a command with all servers. Without a command, installs the servers and checks that they start.
///
/// # Errors
///
/// Returns an error if a server does not start, or if the command fails.
pub(crate) fn run(command: &[&str]) -> Result<(), String> {
    let left = Leftovers::in_target();
    let servers = Servers::start(&left)?;
    let [program, arguments @ ..] = command else {
        println!("{}", servers.describe());
        return Ok(());
    };
    let mut command = servers.pass_to(Command::new(program));
    let status = command.args(arguments).status();
    match status.map_err(|error| format!("cannot run {program}: {error}"))? {
        status if status.success() => Ok(()),
        status => Err(format!("{program} failed: {status}")),
    }
}

fn log(left: &Leftovers, engine: Engine) -> Result<PathBuf, String> {
    let folder = left.artifacts.join(PACKAGE);
    fs::create_dir_all(&folder).map_err(|error| format!("cannot create {}: {error}", folder.display()))?;
    Ok(folder.join(format!("xtask-{}.log", engine.name())))
}

fn ensure_installed(engine: Engine) -> Result<(), String> {
    if is_installed(engine) {
        return Ok(());
    }
    // Debian's packages with the core of MariaDB bring no service. One needs a program of the other.
    let (debian, homebrew) = match engine {
        Engine::Postgres => ("postgresql", "postgresql@16"),
        Engine::MySql => ("mariadb-server-core mariadb-client-core", "mariadb"),
        Engine::Redis => ("redis-server", "redis"),
    };
    let name = engine.name();
    println!("{name} is missing: installing {debian} with apt-get, or {homebrew} with brew");
    let installed = if exists("apt-get") {
        install_with_apt(debian)
    } else if exists("brew") {
        succeeds(Command::new("brew").args(["install", homebrew]))
    } else {
        false
    };
    if installed && is_installed(engine) {
        return Ok(());
    }
    Err(format!(
        "cannot install {name}, which tests need. Install it and run the command again: on Debian and \
         Ubuntu as root `apt-get install {debian}`, on macOS `brew install {homebrew}`. Or set {} to the URL of a \
         running server and of a user who may create databases, or use all commands of Redis. Tests never use the service of the machine on their \
         own.",
        engine.url_variable()
    ))
}

/// Installs packages of Debian, as root or with sudo. Removes no other package, such as another database
/// server, and starts no service.
fn install_with_apt(packages: &str) -> bool {
    let mut install = if is_root() {
        Command::new("sh")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("sh");
        sudo
    };
    succeeds(install.args(["-c", INSTALL]).args(packages.split(' ')))
}

/// Packages ask the program `policy-rc.d` before they start a service. The script adds one that refuses while this
/// installation runs, unless the machine has such a program already. It refuses only as long as the
/// script runs, so that even one that could not be removed changes nothing later.
const INSTALL: &str = r#"
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nif kill -0 %s 2>/dev/null; then exit 101; fi\n' "$$" >"$policy"
    chmod +x "$policy"
fi
apt-get update --quiet && apt-get install --quiet --yes --no-remove --no-install-recommends "$0" "$@"
"#;

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn exists(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}
