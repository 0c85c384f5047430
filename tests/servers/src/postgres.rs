//! How PostgreSQL is set up and started.

use std::{fs, path::Path, process::Command};

use crate::{account::Account, programs::Programs};

/// The users that can run the server if this process runs as root. Debian's package creates the first one.
pub(crate) const USERS: &[&str] = &["postgres", "_postgres", "nobody"];

/// Stops the server at once. The server then stops its child processes and frees its shared memory.
pub(crate) const STOP: &str = "QUIT";

/// The empty database that exists from the start.
pub(crate) const DATABASE: &str = "postgres";

/// The settings of a server that does not wait for the disk.
pub(crate) const WITHOUT_WAITING: &[&str] = &["-c", "fsync=off"];

/// Returns the command that creates the files of a server in `folder`.
///
/// # Errors
///
/// Returns an error if the file with the password cannot be written.
pub(crate) fn init(
    account: &Account,
    programs: &Programs,
    folder: &Path,
    user: &str,
    password: &str,
) -> Result<Command, String> {
    let password_file = folder.join("password");
    account.write(&password_file, password)?;
    let mut command = account.command(&programs.init);
    command.arg("--pgdata").arg(folder.join("data")).arg("--pwfile").arg(password_file);
    command.args(["--username", user, "--auth", "scram-sha-256"]);
    // The server writes nothing without waiting for the disk. Only these first files need not survive a crash.
    command.args(["--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"]);
    Ok(command)
}

/// Returns the command that runs the server in the foreground.
///
/// Errors are logged with the statement and its parameters, and so
/// is every twentieth statement, so that the search for leaked secrets sees what the server was sent.
pub(crate) fn server(account: &Account, programs: &Programs, folder: &Path, port: u16) -> Command {
    let mut command = account.command(&programs.server);
    command.arg("-D").arg(folder.join("data"));
    for setting in [
        "listen_addresses=127.0.0.1",
        &format!("port={port}"),
        "unix_socket_directories=",
        "max_connections=300",
        "logging_collector=off",
        "log_destination=stderr",
        "log_min_messages=warning",
        "log_min_error_statement=error",
        "log_parameter_max_length_on_error=-1",
        "log_min_duration_sample=0",
        "log_statement_sample_rate=0.05",
    ] {
        command.args(["-c", setting]);
    }
    command
}

/// Returns whether the server with the process id `server` accepts connections. The server writes its state into a
/// file.
pub(crate) fn is_ready(folder: &Path, server: u32) -> bool {
    let text = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
    let mut lines = text.lines();
    let is_current = lines.next().and_then(|line| line.parse().ok()) == Some(server);
    is_current && lines.nth(6).is_some_and(|state| state.trim() == "ready")
}

/// Frees the shared memory that a killed server has left.
pub(crate) fn clean_up(folder: &Path) {
    // The seventh line has the key and the id of the segment. A server that was stopped has removed the file.
    let text = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
    let segment = text.lines().nth(6).and_then(|line| line.split_whitespace().nth(1));
    if let Some(segment) = segment {
        // A segment that was not freed takes a few bytes until the next start of the machine.
        let _ = Command::new("ipcrm").args(["-m", segment]).output();
    }
}
