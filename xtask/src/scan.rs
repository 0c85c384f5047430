//! The search for leaked secrets in what tests leave behind.
//!
//! Tests put databases, logs and texts of errors into one folder, and a line for each secret they
//! issued into a file outside of it. No eight consecutive bytes of a secret beyond its display
//! prefix may be found in that folder. Too little to search is a failure too.

mod files;
mod secrets;

use std::{fs, path::Path};

use self::{files::Found, secrets::Secrets};

/// Fewer than these mean that the tests that leave something have not been run.
const FEWEST: Found = Found { databases: 8, write_ahead_logs: 1, logs: 12, bytes: 1_000_000 };
const FEWEST_SECRETS: usize = 60;

/// Searches the folder for pieces of the secrets in the file.
///
/// # Errors
///
/// When a piece is found, or there is too little to search, or something cannot be read.
pub(crate) fn search(artifacts: &Path, secrets: &Path) -> Result<String, String> {
    let text = fs::read_to_string(secrets)
        .map_err(|error| format!("{} cannot be read: {error}", secrets.display()))?;
    let secrets = Secrets::parse(&text)?;
    let found = files::search(artifacts, &secrets)?;
    if secrets.len() < FEWEST_SECRETS {
        return Err(format!("only {} secrets were issued, expected {FEWEST_SECRETS} or more", secrets.len()));
    }
    if !found.reaches(&FEWEST) {
        return Err(format!("too little was left to search: {found:?}, expected at least {FEWEST:?}"));
    }
    Ok(format!("no piece of {} secrets in {found:?}", secrets.len()))
}

/// Plants a piece of a secret, and finds it.
///
/// # Errors
///
/// When it is not found, or something is found that was not planted.
pub(crate) fn proves_itself() -> Result<String, String> {
    let secrets = Secrets::parse(PLANTED)?;
    let cannot = |error| format!("cannot plant a secret: {error}");
    let folder = tempfile::tempdir().map_err(cannot)?;
    let file = folder.path().join("deep").join("planted.db-wal");
    fs::create_dir_all(folder.path().join("deep")).map_err(cannot)?;
    // The piece lies across the boundary of what is read at once.
    let mut bytes = vec![0; files::CHUNK - 3];
    bytes.extend_from_slice(b"demo_live_7KqA");
    fs::write(&file, &bytes).map_err(cannot)?;
    if let Err(message) = files::search(folder.path(), &secrets) {
        return Err(format!("a display prefix is no secret, but: {message}"));
    }
    bytes.truncate(files::CHUNK - 3);
    bytes.extend_from_slice(b"9Fx2LmQ0");
    bytes.push(0);
    fs::write(&file, &bytes).map_err(cannot)?;
    match files::search(folder.path(), &secrets) {
        Err(message) if message.contains("planted.db-wal") => Ok("found what was planted".to_owned()),
        Err(message) => Err(format!("found something else: {message}")),
        Ok(_) => Err("eight bytes of a secret were planted and not found".to_owned()),
    }
}

/// Of the right shape; nobody's.
const PLANTED: &str = "demo_live_7KqA demo_live_7KqAzW9Fx2LmQ0rT5uVbN8cYpE1sGd4HjK6\n";
