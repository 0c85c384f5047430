use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader},
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The number of times that chromedriver is started until it has a free port.
const STARTS: u32 = 3;

/// What chromedriver logs if its port is taken.
const PORT_IS_TAKEN: &str = "bind() failed: Address already in use";

/// The time that a start may take on a slow machine.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Starts chromedriver in the background, waits until its standard input ends, and kills all processes of its group.
///
/// The input also ends when the test process is killed, so that neither chromedriver nor Chromium outlives a test.
const GUARD: &str = r#""$@" & exec >/dev/null 2>&1; read -r line; kill -KILL 0"#;

/// Chromedriver as a process on a free port, with a temporary folder for all its files. Dropping the value kills
/// chromedriver and its browser, and removes the folder.
#[derive(Debug)]
pub(crate) struct Driver {
    url: String,
    guard: Child,
    folder: Option<TempDir>,
}

impl Driver {
    /// Starts chromedriver. Its messages are written to a new file at `log`.
    pub(crate) fn start(log: &Path) -> Self {
        for _ in 0..STARTS {
            if let Some(driver) = Self::start_once(File::create(log).unwrap()) {
                return driver;
            }
            // chromedriver takes a free port of IPv4 and ends if another program has the same port of IPv6.
            assert!(
                fs::read_to_string(log).unwrap().contains(PORT_IS_TAKEN),
                "chromedriver ended; its log says why"
            );
        }
        panic!("chromedriver found no free port")
    }

    /// Starts chromedriver. Returns `None` if it ended before it was ready.
    fn start_once(log: File) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "sh"]).arg(program("chromedriver")).arg("--port=0");
        // Chromium writes crash reports and caches below these folders.
        for variable in ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
            guard.env(variable, folder.path());
        }
        guard.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut guard = guard.spawn().expect("`sh` starts chromedriver");
        let stdout = guard.stdout.take().unwrap();
        // From here on, a panic drops the driver and ends its processes.
        let mut driver = Self { url: String::new(), guard, folder: Some(folder) };
        driver.url = format!("http://127.0.0.1:{}", port(stdout)?);
        Some(driver)
    }

    /// The URL that WebDriver clients connect to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The folder that is removed with the driver.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
        // A killed process can still be writing for a moment.
        let until = Instant::now() + Duration::from_secs(5);
        let folder = self.folder.take().unwrap().keep();
        while fs::remove_dir_all(&folder).is_err() && folder.exists() && Instant::now() < until {
            thread::yield_now();
        }
    }
}

/// Returns the path of an installed program.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "{name} is missing. Install Chromium and chromedriver, on Debian with `apt-get install chromium \
             chromium-driver`, or run `cargo xtask browser`, which installs them if it may."
        )
    })
}

/// Returns whether this process runs as root. Chromium then refuses to start with a sandbox.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Reads the port that chromedriver prints when it is ready. Returns `None` if it ended before.
fn port(stdout: ChildStdout) -> Option<u16> {
    let (sender, ports) = mpsc::channel();
    thread::spawn(move || {
        // Reads until chromedriver ends, because a full pipe would block it.
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                let _ = sender.send(port.trim_end_matches('.').parse().unwrap());
            }
        }
    });
    match ports.recv_timeout(START_TIMEOUT) {
        Ok(port) => Some(port),
        Err(RecvTimeoutError::Timeout) => panic!("chromedriver does not start"),
        Err(RecvTimeoutError::Disconnected) => None,
    }
}
