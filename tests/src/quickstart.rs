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

/// The time that a start or an orderly stop may take on a slow machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The quickstart as a process. Dropping the value kills the process.
#[derive(Debug)]
pub struct Quickstart {
    /// The address of the service.
    pub address: SocketAddr,
    /// The secret of its ready-made key.
    pub ready_made: String,
    /// The lines that the process printed until it was ready, without the secret.
    pub printed: Vec<String>,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    copy: File,
}

impl Quickstart {
    /// Starts a framework's quickstart on `database` and waits until it is ready. Its output and log are kept in the
    /// folder of `artifacts` under `name`.
    pub async fn start(artifacts: &Artifacts, framework: &str, name: &str, database: &str) -> Self {
        let environment = [("DATABASE_URL", database), ("RUST_LOG", "trace")];
        Self::start_with(artifacts, framework, name, &environment).await
    }

    /// Starts a framework's quickstart with these environment variables and `PORT`.
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
        timeout(TIMEOUT, quickstart.read_start()).await.expect("the quickstart does not start");
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
                // This line is the only place that may contain the secret.
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

    /// Sends a request on a new connection.
    pub async fn send(&self, request: &Request) -> Response {
        request.send(self.address).await
    }

    /// Reads the output up to a line that begins with `text`, and returns that line.
    pub async fn printed_line(&mut self, text: &str) -> String {
        let found = async {
            loop {
                let line = self.stdout.next_line().await.unwrap();
                let line = line.expect("the quickstart ended before it printed the line; see its stderr");
                writeln!(self.copy, "{line}").unwrap();
                if line.starts_with(text) {
                    return line;
                }
            }
        };
        timeout(TIMEOUT, found).await.expect("the quickstart does not print the line")
    }

    /// Asks the process to stop, waits until it has ended, and returns its exit status.
    pub async fn stop(self) -> ExitStatus {
        self.signal("TERM").await;
        self.ended().await
    }

    /// Waits until the process has ended, and returns its exit status.
    pub async fn ended(mut self) -> ExitStatus {
        let status =
            timeout(TIMEOUT, self.child.wait()).await.expect("the quickstart does not stop").unwrap();
        while let Ok(Some(line)) = self.stdout.next_line().await {
            writeln!(self.copy, "{line}").unwrap();
        }
        status
    }

    /// Returns whether the process is still running.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends a signal to the process. The name is without `SIG`.
    pub async fn signal(&self, signal: &str) {
        let id = self.child.id().expect("it has not ended");
        // Every shell has the command `kill`.
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{signal} {id}")).status().await;
        assert!(sent.unwrap().success());
    }

    /// Kills the process as `kill -9` does, and waits until it has ended.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Returns the command that runs an example with these environment variables. Variables of the developer's own
/// environment that the example would read are removed. The process is killed when the value is dropped.
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

/// Returns the path of an example's program. The program is in the folder that the environment variable
/// `APIKEYS_TEST_EXAMPLES` names. Without the variable, cargo builds it if necessary.
fn example(name: &str) -> PathBuf {
    if let Some(folder) = env::var_os("APIKEYS_TEST_EXAMPLES") {
        return PathBuf::from(folder).join(name).with_extension(env::consts::EXE_EXTENSION);
    }
    static BUILT: OnceLock<String> = OnceLock::new();
    let executable = BUILT.get_or_init(build).lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_it = message["target"]["name"] == name && message["target"]["kind"][0] == "example";
        is_it.then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    executable.unwrap_or_else(|| panic!("cargo built no example called {name}"))
}

/// Returns cargo's messages about all examples.
fn build() -> String {
    // Cargo sets these variables for the package of the test, and the build script of ring reads some of them. With other values
    // than in a shell, cargo would build ring and all that depends on it again.
    let of_package = |name: &OsString| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_")
    };
    let mut cargo = Blocking::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    for (name, _) in env::vars_os().filter(|(name, _)| of_package(name)) {
        cargo.env_remove(name);
    }
    // With the features of the tests, so that cargo builds each dependency once for both.
    let built = cargo
        .args(["build", "--workspace", "--exclude", "apikeys-test-browser", "--all-features", "--examples"])
        .arg("--message-format=json")
        .current_dir(root())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    String::from_utf8(built.stdout).unwrap()
}
