use std::{
    env,
    ffi::OsString,
    fs::File,
    io::Write,
    net::SocketAddr,
    path::PathBuf,
    process::{Command as Blocking, ExitStatus, Stdio},
    sync::OnceLock,
    time::Duration,
};

use apikeys_test_leftovers::{note_secret, root};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use crate::{Artifacts, Request, Response};

/// How long a start or an orderly stop may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The quickstart as a process. It is killed when dropped.
#[derive(Debug)]
pub struct Quickstart {
    /// Where it listens.
    pub address: SocketAddr,
    /// The secret of its ready-made key.
    pub ready_made: String,
    /// What it printed until it was ready, without the secret.
    pub printed: Vec<String>,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    copy: File,
}

impl Quickstart {
    /// Starts a framework's on `database` and waits until it serves. What it prints and logs is
    /// left among the artifacts under `name`.
    pub async fn start(artifacts: &Artifacts, framework: &str, name: &str, database: &str) -> Self {
        let environment = [("DATABASE_URL", database), ("RUST_LOG", "trace")];
        Self::start_with(artifacts, framework, name, &environment).await
    }

    /// The same with an environment of one's own besides `PORT`.
    pub async fn start_with(
        artifacts: &Artifacts,
        framework: &str,
        name: &str,
        environment: &[(&str, &str)],
    ) -> Self {
        let mut child = command(framework, environment)
            .stdout(Stdio::piped())
            .stderr(artifacts.create(&format!("{name}-stderr.log")))
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut quickstart = Self {
            address: ([127, 0, 0, 1], 0).into(),
            ready_made: String::new(),
            printed: Vec::new(),
            child,
            stdout,
            copy: artifacts.create(&format!("{name}-stdout.log")),
        };
        timeout(PATIENCE, quickstart.read_start()).await.expect("the quickstart does not start");
        quickstart
    }

    async fn read_start(&mut self) {
        while self.ready_made.is_empty() {
            let line = self.stdout.next_line().await.unwrap();
            let mut line = line.expect("the quickstart ended before it was ready; see its stderr");
            if let Some(address) = line.strip_prefix("listening on http://") {
                self.address = address.parse().unwrap();
            }
            if let Some((_, secret)) = line.split_once("Bearer ") {
                // This line is the answer that issues the secret: the one place where it may be.
                let secret: String = secret.chars().take_while(|c| *c != '\'').collect();
                let shown = &secret[.."demo_live_0123".len()];
                note_secret(shown, &secret);
                line = line.replace(&secret, shown);
                self.ready_made = secret;
            }
            writeln!(self.copy, "{line}").unwrap();
            self.printed.push(line);
        }
        assert_ne!(self.address.port(), 0, "the address must be printed before the key");
    }

    /// Sends a request on a connection of its own.
    pub async fn send(&self, request: &Request) -> Response {
        request.send(self.address).await
    }

    /// Asks it to stop, and waits until it has; tells how.
    pub async fn stop(self) -> ExitStatus {
        self.signal("TERM").await;
        self.ended().await
    }

    /// Waits until it has ended, and tells how.
    pub async fn ended(mut self) -> ExitStatus {
        let status =
            timeout(PATIENCE, self.child.wait()).await.expect("the quickstart does not stop").unwrap();
        while let Ok(Some(line)) = self.stdout.next_line().await {
            writeln!(self.copy, "{line}").unwrap();
        }
        status
    }

    /// Whether the process has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends it a signal, by its name without `SIG`.
    pub async fn signal(&self, signal: &str) {
        let id = self.child.id().expect("it has not ended");
        // The shell's own `kill`: there is one wherever there is a shell.
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{signal} {id}")).status().await;
        assert!(sent.unwrap().success());
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// The command that runs an example, with this environment and nothing of the tester's own that
/// matters to it. It is killed when dropped.
#[must_use]
pub fn command(name: &str, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(example(name));
    for variable in [
        "DATABASE_URL",
        "REDIS_URL",
        "SMTP_URL",
        "EXPIRY_WARNING",
        "ADMIN_TOKEN",
        "AUDIT",
        "RUST_LOG",
        "APIKEYS_URL",
        "APIKEYS_ORG",
    ] {
        command.env_remove(variable);
    }
    command.env("PORT", "0").envs(environment.iter().copied());
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// The program of an example, built if it is not yet.
fn example(name: &str) -> PathBuf {
    static BUILT: OnceLock<String> = OnceLock::new();
    let executable = BUILT.get_or_init(build).lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_it = message["target"]["name"] == name && message["target"]["kind"][0] == "example";
        is_it.then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    executable.unwrap_or_else(|| panic!("cargo built no example called {name}"))
}

/// What cargo says of all examples.
fn build() -> String {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    // As `cargo xtask test` builds it, so that there is nothing left to do.
    let built = Blocking::new(cargo)
        .args(["build", "--examples", "--message-format=json"])
        .current_dir(root())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    String::from_utf8(built.stdout).unwrap()
}
