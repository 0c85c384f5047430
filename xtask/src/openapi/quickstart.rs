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

/// What its administrators log in with.
pub(super) const ADMIN_TOKEN: &str = "openapi";

/// How long a start may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running quickstart, on a free port. It is stopped when dropped.
pub(super) struct Quickstart {
    pub(super) url: String,
    child: Child,
}

impl Quickstart {
    /// Starts it, and leaves its database and log to be searched for secrets.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub(super) fn start(left: &Leftovers) -> Result<Self, String> {
        let folder = left.artifacts.join("xtask");
        let cannot = |error| format!("{} cannot be written: {error}", folder.display());
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
        let child = command.spawn().map_err(|error| format!("the quickstart cannot be run: {error}"))?;
        let mut quickstart = Self { url: String::new(), child };
        let secret = quickstart.read_start();
        let secret = secret.ok_or_else(|| format!("the quickstart does not start; see {}", log.display()))?;
        left.note(&secret)?;
        Ok(quickstart)
    }

    /// Waits until it serves. Tells the secret of its ready-made key, which it prints at the end.
    fn read_start(&mut self) -> Option<String> {
        let lines = self.lines()?;
        let until = Instant::now() + PATIENCE;
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
        // Reads to the end of the process, whether or not somebody still listens.
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
        // An error means that it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
