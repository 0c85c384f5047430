//! How MariaDB is set up and started.

use std::{fs, path::Path, process::Command};

use crate::{account::Account, programs::Programs};

/// The users that can run the server if this process runs as root.
pub(crate) const USERS: &[&str] = &["mysql", "_mysql", "nobody"];

/// Ends the server at once. Its files are removed afterwards.
pub(crate) const STOP: &str = "KILL";

/// The empty database that exists from the start.
pub(crate) const DATABASE: &str = "test";

/// The file in which the server logs every twentieth statement.
pub(crate) const STATEMENTS: &str = "statements.log";

/// The settings of a server that does not wait for the disk. With 2, the log is written at each commit, and the system
/// writes it to the disk later.
pub(crate) const WITHOUT_WAITING: &[&str] =
    &["--innodb-flush-log-at-trx-commit=2", "--skip-innodb-doublewrite", "--innodb-flush-method=nosync"];

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
    // The server runs these statements at each start, before it accepts connections.
    let statements = format!(
        "CREATE DATABASE IF NOT EXISTS {DATABASE};\n\
         CREATE USER IF NOT EXISTS '{user}'@'127.0.0.1' IDENTIFIED BY '{password}';\n\
         GRANT ALL PRIVILEGES ON *.* TO '{user}'@'127.0.0.1' WITH GRANT OPTION;\n"
    );
    account.write(&folder.join("init.sql"), &statements)?;
    let mut command = account.command(&programs.init);
    command.arg("--no-defaults").arg(option("--datadir", &folder.join("data")));
    // The program runs a server, which removes the temporary files of all servers in this folder at its start.
    command.arg(option("--tmpdir", folder));
    // No account of the server can log in over TCP with an empty password.
    command.args(["--auth-root-authentication-method=socket", "--skip-test-db", "--skip-name-resolve"]);
    Ok(command)
}

/// Returns the command that runs the server in the foreground.
///
/// Every twentieth statement is logged, so that the search for
/// leaked secrets sees what the server was sent. The server has no log of errors with their statements.
pub(crate) fn server(account: &Account, programs: &Programs, folder: &Path, port: u16) -> Command {
    let mut command = account.command(&programs.server);
    command.arg("--no-defaults").arg(format!("--port={port}"));
    for (name, file) in [
        ("--datadir", "data"),
        ("--socket", "socket"),
        ("--pid-file", "pid"),
        ("--init-file", "init.sql"),
        ("--slow-query-log-file", STATEMENTS),
    ] {
        command.arg(option(name, &folder.join(file)));
    }
    // At its start, a server removes the temporary files of all servers in this folder.
    command.arg(option("--tmpdir", folder));
    command.args([
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--max-connections=300",
        "--slow-query-log",
        "--long-query-time=0",
        "--log-slow-rate-limit=20",
        "--innodb-print-all-deadlocks",
    ]);
    command
}

/// Returns whether the server accepts connections. `log` is what the server has logged since its start.
pub(crate) fn is_ready(log: &str) -> bool {
    log.contains("ready for connections")
}

/// Appends the log of statements to the server's log.
pub(crate) fn clean_up(folder: &Path, log: &mut impl std::io::Write) {
    if let Ok(mut statements) = fs::File::open(folder.join(STATEMENTS)) {
        // The file is missing if the server did not start.
        let _ = std::io::copy(&mut statements, log);
    }
}

fn option(name: &str, path: &Path) -> std::ffi::OsString {
    let mut option = std::ffi::OsString::from(name);
    option.push("=");
    option.push(path);
    option
}
