use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use super::secrets::Secrets;

/// Number of bytes that one read takes.
pub(super) const CHUNK: usize = 64 * 1024;

/// The numbers and sizes of searched files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Number of databases that are not empty.
    pub(super) databases: usize,
    /// Number of logs with a line of the level TRACE.
    pub(super) logs: usize,
    /// Length of all files together.
    pub(super) bytes: u64,
}

impl Found {
    /// Returns whether every number is at least as high as in `least`.
    pub(super) fn reaches(&self, least: &Self) -> bool {
        self.databases >= least.databases && self.logs >= least.logs && self.bytes >= least.bytes
    }
}

/// Searches all files below `folder`.
///
/// # Errors
///
/// Returns an error if a file contains a piece of a secret or cannot be read. The message does not repeat
/// the piece.
pub(super) fn search(folder: &Path, secrets: &Secrets) -> Result<Found, String> {
    let mut found = Found::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let cannot = |error| format!("cannot read {}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let path = entry.path();
            if entry.file_type().map_err(cannot)?.is_dir() {
                folders.push(path);
            } else {
                search_file(&path, secrets, &mut found)?;
            }
        }
    }
    Ok(found)
}

fn search_file(path: &Path, secrets: &Secrets, found: &mut Found) -> Result<(), String> {
    let cannot = |error| format!("cannot read {}: {error}", path.display());
    let mut file = File::open(path).map_err(cannot)?;
    let mut chunk = vec![0; CHUNK];
    let mut seeker = secrets.seeker();
    let (mut offset, mut traced) = (0, false);
    loop {
        let read = file.read(&mut chunk).map_err(cannot)?;
        let bytes = chunk.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        if let Some(at) = seeker.find(bytes) {
            return Err(format!(
                "{} contains a piece of a secret, which ends at byte {}",
                path.display(),
                offset + at
            ));
        }
        traced |= bytes.windows(b"TRACE".len()).any(|word| word == b"TRACE");
        offset += read;
    }
    found.bytes += u64::try_from(offset).unwrap_or(u64::MAX);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("db") if offset > 0 => found.databases += 1,
        Some("log") if traced => found.logs += 1,
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "core ab_0123 ab_0123ABCDEFGHIJKLMNOPQRSTUVWXYZ456789";

    #[test]
    fn piece_anywhere_below_the_folder_is_an_error_that_does_not_repeat_it() {
        let secrets = Secrets::parse(LINE).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(folder.path().join("clean.log"), "TRACE nothing").unwrap();
        assert!(search(folder.path(), &secrets).is_ok());
        // The last byte of one chunk and the first of the next.
        let mut bytes = vec![b' '; CHUNK - 1];
        bytes.extend_from_slice(b"JKLMNOPQ");
        fs::write(deep.join("x.db-shm"), bytes).unwrap();
        let message = search(folder.path(), &secrets).unwrap_err();
        assert!(message.contains("x.db-shm") && message.ends_with(&(CHUNK + 6).to_string()), "{message}");
        assert!(!message.contains("JKLMN"));
    }

    #[test]
    fn search_counts_files_that_are_not_empty() {
        let secrets = Secrets::parse(LINE).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("a.db", "x"),
            ("b.db", ""),
            ("a.db-wal", "xy"),
            ("a.log", "10:00 TRACE x"),
            ("b.log", "10:00 INFO x"),
            ("c.txt", "TRACE"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let found = search(folder.path(), &secrets).unwrap();
        assert_eq!(found, Found { databases: 1, logs: 1, bytes: 33 });
        assert!(found.reaches(&found) && !found.reaches(&Found { logs: 2, ..found }));
    }

    #[test]
    fn search_of_a_missing_folder_is_an_error() {
        let secrets = Secrets::parse(LINE).unwrap();
        assert!(search(Path::new("/nonexistent/folder"), &secrets).is_err());
    }
}
