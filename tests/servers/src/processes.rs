use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Returns the ids of the processes that work in `folder`, which is the data folder of a server. A server and all its
/// child processes work in that folder, and no other process does.
///
/// # Errors
///
/// Returns an error if the processes cannot be listed.
#[cfg(target_os = "linux")]
pub(crate) fn working_in(folder: &Path) -> Result<Vec<u32>, String> {
    let entries = std::fs::read_dir("/proc").map_err(|error| format!("cannot list processes: {error}"))?;
    let process = |entry: std::fs::DirEntry| {
        let id: u32 = entry.file_name().to_str()?.parse().ok()?;
        // The link of a process that has ended, or that belongs to another user, cannot be read.
        let works_here = std::fs::read_link(entry.path().join("cwd")).ok()? == folder;
        works_here.then_some(id)
    };
    Ok(entries.flatten().filter_map(process).collect())
}

/// Returns the ids of the processes that work in `folder`, which is the data folder of a server. A server and all its
/// child processes work in that folder, and no other process does.
///
/// # Errors
///
/// Returns an error if the processes cannot be listed.
#[cfg(not(target_os = "linux"))]
pub(crate) fn working_in(folder: &Path) -> Result<Vec<u32>, String> {
    let mut list = Command::new("lsof");
    list.args(["-t", "-a", "-d", "cwd", "--"]).arg(folder).stdin(Stdio::null()).stderr(Stdio::null());
    let output = list.output().map_err(|error| format!("cannot list processes with lsof: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| line.trim().parse().ok()).collect())
}

/// Sends a signal to processes. Processes that have ended are ignored.
///
/// # Errors
///
/// Returns an error if no shell can be run.
pub(crate) fn send(signal: &str, processes: &[u32]) -> Result<(), String> {
    // The command `kill` of the shell is there even if the program is not installed.
    let mut kill = Command::new("sh");
    kill.args(["-c", "kill -s \"$0\" -- \"$@\"", signal]).args(processes.iter().map(u32::to_string));
    kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    kill.status().map(drop).map_err(|error| format!("cannot send a signal with the shell: {error}"))
}
