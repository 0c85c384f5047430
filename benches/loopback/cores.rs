use std::{
    env,
    path::Path,
    process::{Command, Stdio},
};

use apikeys_benches::Result;

/// The core of the services and their databases.
pub(crate) const OF_SERVERS: &str = "0";
/// The core of the clients.
pub(crate) const OF_CLIENTS: &str = "1";

/// Returns a command that runs this program on one core.
pub(crate) fn this_program_on(core: &str) -> Result<Command> {
    let program = env::current_exe()?;
    if !has_taskset() {
        eprintln!("taskset is missing, so that services and clients share the cores");
        return Ok(Command::new(program));
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", core]).arg(program);
    Ok(command)
}

/// Moves a process, its children and the processes that they start later to one core.
pub(crate) fn move_to(core: &str, process: u32) -> Result<()> {
    let mut all = vec![process.to_string()];
    let children = Command::new("ps").args(["--ppid", &process.to_string(), "-o", "pid="]).output()?;
    all.extend(String::from_utf8(children.stdout)?.split_whitespace().map(str::to_owned));
    for process in all {
        let mut command = Command::new("taskset");
        command.args(["--all-tasks", "--cpu-list", "--pid", core, &process]).stdout(Stdio::null());
        if !command.status()?.success() {
            return Err(format!("the process {process} cannot be moved to core {core}").into());
        }
    }
    Ok(())
}

fn has_taskset() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| Path::new(&folder).join("taskset").is_file())
}
