use std::{
    env::consts::EXE_SUFFIX,
    fs::{self, File},
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use crate::{leftovers::Leftovers, workspace::target};

/// The token that administrators of the quickstart log in with.
pub(super) const ADMIN_TOKEN: &str = "openapi";

/// The time that a start may take on a slow machine.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A running quickstart on a free port. Dropping the value stops the quickstart.
pub(super) struct Quickstart {
    pub(super) url: String,
    child: Child,
}

impl Quickstart {
    /// Starts the quickstart. Its database and log are searched for secrets later.
    ///
    /// # Errors
    ///
    /// Returns an error if the quickstart does not start.
    pub(super) fn start(left: &Leftovers) -> Result<Self, String> {
        let folder = left.artifacts.join("xtask");
        let cannot = |error| format!("cannot write {}: {error}", folder.display());
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(cannot)?;
        }
        fs::create_dir_all(&folder).map_err(cannot)?;
        let log = folder.join("quickstart-stderr.log");
        let mut command = Command::new(target().join(format!("debug/examples/axum{EXE_SUFFIX}")));
        for variable in ["REDIS_URL", "SMTP_URL", "EXPIRY_WARNING", "AUDIT"] {
            command.env_remove(variable);
        }
        command
            .envs([("PORT", "0"), ("ADMIN_TOKEN", ADMIN_TOKEN), ("RUST_LOG", "trace")])
            .env("DATABASE_URL", format!("sqlite:{}", folder.join("keys.db").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).map_err(cannot)?);
        let child = command.spawn().map_err(|error| {
            format!("cannot run the quickstart: {error}; build it with `cargo build --examples`")
        })?;
        let mut quickstart = Self { url: String::new(), child };
        let secret = quickstart.read_start();
        let secret = secret.ok_or_else(|| {
            format!("the quickstart printed no key within 30 seconds; its log is {}", log.display())
        })?;
        left.register(&secret)?;
        Ok(quickstart)
    }

    /// Waits until the quickstart has printed its address and the secret of its key. Returns the secret, or `None`
    /// if the quickstart does not print both in time.
    fn read_start(&mut self) -> Option<String> {
        let lines = self.lines()?;
        let until = Instant::now() + START_TIMEOUT;
        loop {
            let line = lines.recv_timeout(until.saturating_duration_since(Instant::now())).ok()?;
            if let Some(url) = line.strip_prefix("listening on ") {
                self.url = url.to_owned();
            }
            if let Some((_, command)) = line.split_once("Bearer ") {
                let secret = command.split('\'').next()?;
                return (!self.url.is_empty()).then(|| secret.to_owned());
            }
        }
    }

    fn lines(&mut self) -> Option<Receiver<String>> {
        let stdout = BufReader::new(self.child.stdout.take()?);
        let (sender, lines) = channel();
        // Reads until the process ends, because a full pipe would block it.
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Some(lines)
    }
}

impl Drop for Quickstart {
    fn drop(&mut self) {
        // An error means that the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
