use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The system user that a server runs as.
///
/// PostgreSQL does not run as root. If this process runs as root, servers therefore run as a user that has few
/// rights. Otherwise they run as the user of this process.
#[derive(Debug, Clone)]
pub(crate) enum Account {
    /// The user of this process.
    Own,
    /// Another user, because this process runs as root.
    Other { name: &'static str, uid: u32, gid: u32 },
}

impl Account {
    /// Returns the first user of `names` that exists if this process runs as root, and otherwise the user of this
    /// process.
    ///
    /// # Errors
    ///
    /// Returns an error if none of the users exists.
    pub(crate) fn choose(names: &[&'static str]) -> Result<Self, String> {
        if id(&["-u"]) != Some(0) {
            return Ok(Self::Own);
        }
        let account = |name: &&'static str| {
            Some(Self::Other { name, uid: id(&["-u", name])?, gid: id(&["-g", name])? })
        };
        names.iter().find_map(account).ok_or_else(|| {
            format!("a database server cannot run as root: create one of the users {}", names.join(", "))
        })
    }

    /// The folder in which the server's folder is created. Every user can reach it.
    pub(crate) fn temporary(&self) -> PathBuf {
        match self {
            Self::Own => std::env::temp_dir(),
            // The folder in TMPDIR may be closed to other users.
            Self::Other { .. } => PathBuf::from("/tmp"),
        }
    }

    /// Gives a file or folder to the user.
    ///
    /// # Errors
    ///
    /// Returns an error if the owner cannot be changed.
    pub(crate) fn own(&self, path: &Path) -> Result<(), String> {
        match self {
            Self::Own => Ok(()),
            Self::Other { name, uid, gid } => chown(path, Some(*uid), Some(*gid))
                .map_err(|error| format!("cannot give {} to the user {name}: {error}", path.display())),
        }
    }

    /// Writes a file that only the user can read.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written.
    pub(crate) fn write(&self, path: &Path, text: &str) -> Result<(), String> {
        // The folder of the server is closed to others, so the mode of the file does not matter.
        fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        self.own(path)
    }

    /// Returns a command that runs `program` as the user, in a process group of its own and without input.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env("LC_ALL", "C").stdin(Stdio::null()).process_group(0);
        if let Self::Other { uid, gid, .. } = self {
            // Setting the user also removes the supplementary groups of root.
            command.uid(*uid).gid(*gid).env_remove("HOME");
        }
        command
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
