use std::{
    io::Write,
    path::Path,
    process::{Child, ChildStdin, Stdio},
};

use crate::account::Account;

/// The script that stops a server and removes its folder when this process ends.
#[derive(Debug)]
pub(crate) struct Guardian {
    child: Child,
    orders: Option<ChildStdin>,
}

impl Guardian {
    /// Starts the script, which removes `folder` at the end. `signal` is the signal that stops the server.
    ///
    /// # Errors
    ///
    /// Returns an error if no shell can be run.
    pub(crate) fn start(account: &Account, signal: &str, folder: &Path) -> Result<Self, String> {
        let mut command = account.command(Path::new("/bin/sh"));
        command.args(["-c", include_str!("guardian.sh"), "guardian", signal]).arg(folder);
        // The script does not hold the output of this process open, because readers wait for its end.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| format!("cannot run /bin/sh: {error}"))?;
        let orders = child.stdin.take();
        Ok(Self { child, orders })
    }

    /// Sets the process to stop, or none if the server has ended.
    ///
    /// # Errors
    ///
    /// Returns an error if the script has ended.
    pub(crate) fn watch(&mut self, server: Option<u32>) -> Result<(), String> {
        let line = server.map_or_else(String::new, |server| server.to_string()) + "\n";
        let written = self.orders.as_mut().map_or(Ok(()), |orders| orders.write_all(line.as_bytes()));
        written.map_err(|error| format!("the script that stops the server has ended: {error}"))
    }
}

impl Drop for Guardian {
    /// Waits until the script has removed the folder.
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}
