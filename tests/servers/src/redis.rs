//! How Redis is set up and started.

use std::{fs, path::Path, process::Command};

use crate::{account::Account, programs::Programs};

/// The users that can run the server if this process runs as root. Debian's package creates the first one.
pub(crate) const USERS: &[&str] = &["redis", "_redis", "nobody"];

/// Ends the server at once. Its files are removed afterwards.
pub(crate) const STOP: &str = "KILL";

/// The database, which is a number.
pub(crate) const DATABASE: &str = "0";

/// Creates the files of a server in `folder`.
///
/// # Errors
///
/// Returns an error if a file cannot be written.
pub(crate) fn init(account: &Account, folder: &Path, user: &str, password: &str) -> Result<(), String> {
    let data = folder.join("data");
    fs::create_dir(&data).map_err(|error| format!("cannot create {}: {error}", data.display()))?;
    account.own(&data)?;
    // The server keeps everything in memory, so that a restarted server is empty.
    let settings = format!(
        "bind 127.0.0.1\ndir {}\nsave \"\"\nappendonly no\nuser default off\nuser {user} on >{password} ~* &* +@all\n",
        data.display()
    );
    account.write(&folder.join("redis.conf"), &settings)
}

/// Returns the command that runs the server in the foreground.
pub(crate) fn server(account: &Account, programs: &Programs, folder: &Path, port: u16) -> Command {
    let mut command = account.command(&programs.server);
    command.arg(folder.join("redis.conf")).args(["--port", &port.to_string()]);
    command
}

/// Returns whether the server accepts connections. `log` is what the server has logged since its start.
pub(crate) fn is_ready(log: &str) -> bool {
    log.contains("Ready to accept connections") || log.contains("Sentinel ID is")
}
