use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::Engine;

/// The program that `mariadb-install-db` calls, and that Debian has in a package of its own.
const NEEDED_BY_MARIADB: &str = "my_print_defaults";

/// Returns whether the programs of an engine are installed.
#[must_use]
pub fn is_installed(engine: Engine) -> bool {
    find(engine).is_some()
}

/// The programs of one engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Programs {
    /// Creates the files of a server. Redis has no such program, and this is the server.
    pub(crate) init: PathBuf,
    /// The server.
    pub(crate) server: PathBuf,
}

/// Finds the programs of an engine. The programs in `PATH` come first.
pub(crate) fn find(engine: Engine) -> Option<Programs> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.extend(["/usr/bin", "/usr/sbin", "/usr/libexec", "/usr/local/bin"].map(PathBuf::from));
    match engine {
        Engine::Postgres => {
            // Debian and Homebrew keep the programs of each version in a folder that is not in `PATH`.
            folders.extend(versions("/usr/lib/postgresql", ""));
            folders.extend(versions("/opt/homebrew/opt", "postgresql@"));
            folders.extend(versions("/usr/local/opt", "postgresql@"));
            // Both programs come from one version.
            folders.iter().find_map(|folder| programs(std::slice::from_ref(folder), "initdb", "postgres"))
        }
        Engine::MySql => {
            folders
                .extend(["/opt/homebrew/opt/mariadb/bin", "/usr/local/opt/mariadb/bin"].map(PathBuf::from));
            let is_complete = folders.iter().any(|folder| folder.join(NEEDED_BY_MARIADB).is_file());
            programs(&folders, "mariadb-install-db", "mariadbd").filter(|_| is_complete)
        }
        Engine::Redis => {
            folders.extend(["/opt/homebrew/bin", "/opt/homebrew/opt/redis/bin"].map(PathBuf::from));
            programs(&folders, "redis-server", "redis-server")
        }
    }
}

fn programs(folders: &[PathBuf], init: &str, server: &str) -> Option<Programs> {
    let find = |name: &str| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    Some(Programs { init: find(init)?, server: find(server)? })
}

/// Returns the folders of programs of all versions in `folder`, the newest version first.
fn versions(folder: &str, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(folder)).into_iter().flatten().flatten();
    let version = |entry: fs::DirEntry| {
        let number: u32 = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
        Some((number, entry.path().join("bin")))
    };
    let mut found: Vec<(u32, PathBuf)> = entries.filter_map(version).collect();
    found.sort();
    found.into_iter().rev().map(|(_, folder)| folder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_sorted_as_numbers_with_the_newest_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["pg@9", "pg@15", "pg@16", "pg@x", "other@17"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let found = versions(folder.path().to_str().unwrap(), "pg@");
        assert_eq!(found, ["pg@16", "pg@15", "pg@9"].map(|name| folder.path().join(name).join("bin")));
    }
}
