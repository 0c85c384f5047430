use std::{
    env::consts::EXE_SUFFIX,
    io::{BufRead, BufReader, Lines, Read},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use apikeys_test_leftovers::{root, target};

use crate::{Mail, Settings};

/// The time that the start of the server or a mail may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A mail server on a free port of 127.0.0.1. Dropping the value stops the server.
#[derive(Debug)]
pub struct MailServer {
    /// The port.
    pub port: u16,
    child: Child,
    stdin: Option<ChildStdin>,
    mails: Receiver<Mail>,
}

impl MailServer {
    /// Starts a server and waits until it accepts connections.
    #[must_use]
    pub fn start(settings: &Settings) -> Self {
        let python = python();
        assert!(
            python.exists(),
            "the mail server for tests is missing: run `cargo xtask mail-server`, which installs it in {}. It needs \
             python3, version 3.11 or newer, with venv and pip.",
            target().display()
        );
        let mut child = Command::new(python)
            .args(["-I", "-u"])
            .arg(root().join("tests/smtp/server/server.py"))
            .arg(serde_json::to_string(settings).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(port) = lines.next() else {
            let mut errors = String::new();
            let _ = child.stderr.take().unwrap().read_to_string(&mut errors);
            panic!(
                "the mail server for tests does not start; `cargo xtask mail-server` installs it: {errors}"
            );
        };
        let port = port.unwrap().parse().unwrap();
        let (received, mails) = channel();
        thread::spawn(move || {
            for mail in mails_of(lines) {
                if received.send(mail).is_err() {
                    break;
                }
            }
        });
        // The server writes about connections that were ended. Nobody reads that, and the pipe must not fill.
        let mut errors = child.stderr.take().unwrap();
        thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        Self { port, child, stdin, mails }
    }

    /// Returns the URL of the server without encryption.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// Waits for the next mail.
    #[must_use]
    pub fn next_mail(&self) -> Mail {
        self.mails.recv_timeout(PATIENCE).expect("the mail server receives a mail")
    }

    /// Stops the server and returns the mails that [`next_mail`](Self::next_mail) has not returned.
    #[must_use]
    pub fn stop(mut self) -> Vec<Mail> {
        drop(self.stdin.take());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "the mail server failed: {status}");
        self.mails.iter().collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // An error means that the server has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mails_of(lines: Lines<BufReader<ChildStdout>>) -> impl Iterator<Item = Mail> {
    lines.map_while(Result::ok).map(|line| serde_json::from_str(&line).unwrap())
}

/// The Python of the virtual environment that `cargo xtask mail-server` makes.
fn python() -> PathBuf {
    target().join(format!("mail-server-python/bin/python{EXE_SUFFIX}"))
}
