//! The search for leaked secrets in the files of tests.
//!
//! Tests put databases, logs and error texts into a folder for each package. For each secret that they create,
//! they write a line into a file outside that folder. The search fails if the folder contains eight consecutive
//! bytes of a secret beyond its display prefix, as text, in hexadecimal, in base64 or in a list of numbers. The
//! search also fails if a package left fewer files than [`FLOORS`] says, because the search would then prove
//! nothing, and if a package of the workspace is in no list of this file, because its files would not be searched.

mod files;
mod packages;
mod secrets;

use std::{fs, path::Path};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use self::{files::Found, secrets::Secrets};
use crate::{part::Part, workspace::members};

/// The least that tests of one package leave.
#[derive(Debug, Clone, Copy)]
struct Floor {
    package: &'static str,
    /// The part that runs the tests. `None` stands for the tests that run without a part.
    part: Option<Part>,
    secrets: usize,
    files: Found,
}

/// The minimum for each package, which is about two thirds of what its tests leave. Less means that some tests
/// no longer leave their files. The minimums of one package add up.
const FLOORS: [Floor; 13] = [
    floor("apikeys-actix", 48, 0, 44, 1_200_000),
    floor("apikeys-admin", 2_600, 0, 35, 34_000_000),
    floor("apikeys-core", 98, 0, 42, 69_000_000),
    floor("apikeys-mail", 1, 0, 14, 12_000),
    floor("apikeys-redis", 13, 0, 13, 60_000).of(Part::Databases),
    floor("apikeys-sqlx-store", 20, 260, 255, 135_000_000),
    floor("apikeys-sqlx-store", 1, 0, 1, 5_000).of(Part::Databases),
    floor("apikeys-tests", 2_190, 102, 485, 127_000_000),
    floor("apikeys-tests", 1_470, 0, 260, 145_000_000).of(Part::Databases),
    floor("apikeys-test-browser", 1_350, 25, 62, 18_000_000).of(Part::Browser),
    floor("apikeys-test-servers", 6, 0, 4, 60_000).of(Part::Databases),
    floor("apikeys-tower", 44, 0, 40, 600_000),
    floor("xtask", 2, 1, 1, 250_000).of(Part::OpenApi),
];

/// The packages that have no tests, or whose own tests create no secrets.
const WITHOUT_SECRETS: [&str; 15] = [
    "apikeys-benches",
    "apikeys-example-actix",
    "apikeys-example-axum",
    "apikeys-example-custom-store",
    "apikeys-example-embedded",
    "apikeys-example-manage",
    "apikeys-example-minimal-actix",
    "apikeys-example-minimal-axum",
    "apikeys-example-shared",
    "apikeys-test-adapters",
    "apikeys-test-document",
    "apikeys-test-fuzz",
    "apikeys-test-leftovers",
    "apikeys-test-network",
    "apikeys-test-smtp",
];

const fn floor(package: &'static str, secrets: usize, databases: usize, logs: usize, bytes: u64) -> Floor {
    Floor { package, part: None, secrets, files: Found { databases, logs, bytes } }
}

impl Floor {
    const fn of(mut self, part: Part) -> Self {
        self.part = Some(part);
        self
    }

    fn plus(mut self, other: Self) -> Self {
        self.secrets += other.secrets;
        self.files.databases += other.files.databases;
        self.files.logs += other.files.logs;
        self.files.bytes += other.files.bytes;
        self
    }
}

/// Searches the folder `artifacts` for pieces of the secrets that the file `secrets` lists. `without` lists
/// the parts that did not run.
///
/// # Errors
///
/// Returns an error if a piece is found, if a package left less than it should, or if a file cannot be
/// read.
pub(crate) fn search(artifacts: &Path, secrets: &Path, without: &[Part]) -> Result<String, String> {
    let text = fs::read_to_string(secrets).map_err(|error| {
        format!("cannot read {}: {error}; run `cargo xtask test` first", secrets.display())
    })?;
    let secrets = Secrets::parse(&text)?;
    let mut searched = FLOORS.map(|floor| floor.package).to_vec();
    searched.dedup();
    packages::check_lists(&members()?, &searched, &WITHOUT_SECRETS)?;
    packages::check_folders(artifacts, &searched)?;
    packages::check_issuers(secrets.issuers(), &searched)?;
    let mut lines = Vec::new();
    let mut too_little = false;
    for package in searched {
        let did_run = |floor: &&Floor| floor.part.is_none_or(|part| !without.contains(&part));
        let floors = FLOORS.iter().filter(|floor| floor.package == package).filter(did_run);
        let Some(Floor { secrets: fewest, files: least, .. }) = floors.copied().reduce(Floor::plus) else {
            continue;
        };
        let issued = secrets.issued_by(package);
        let found = files::search(&artifacts.join(package), &secrets)?;
        let enough = issued >= fewest && found.reaches(&least);
        too_little |= !enough;
        let Found { databases, logs, bytes } = found;
        let mut line = format!(
            "{package:<18} {issued:>5} secrets {databases:>4} databases {logs:>4} logs {bytes:>11} bytes"
        );
        if !enough {
            line += &format!(
                ": too little; at least {fewest} secrets, {} databases, {} logs and {} bytes are expected",
                least.databases, least.logs, least.bytes
            );
        }
        lines.push(line);
    }
    let table = lines.join("\n");
    if too_little {
        Err(format!(
            "{table}\nthe tests of a package left less than expected. If tests were removed on purpose, lower its \
             minimum in xtask/src/scan.rs"
        ))
    } else {
        Ok(format!("{table}\nno piece of a secret was found"))
    }
}

/// Plants a piece of a secret in every encoding that the search knows, and checks that the search finds it.
///
/// # Errors
///
/// Returns an error if a planted piece is not found, or if the search finds something else.
pub(crate) fn search_planted() -> Result<String, String> {
    let secrets = Secrets::parse(PLANTED)?;
    let cannot = |error| format!("cannot write a planted secret: {error}");
    let folder = tempfile::tempdir().map_err(cannot)?;
    let deep = folder.path().join("deep");
    fs::create_dir_all(&deep).map_err(cannot)?;
    let file = deep.join("planted.db-wal");
    // The piece lies across the boundary of two reads.
    let plant = |text: &str| {
        let mut bytes = vec![0; files::CHUNK - 3];
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        fs::write(&file, &bytes).map_err(cannot)
    };
    plant("demo_live_7KqA")?;
    if let Err(message) = files::search(folder.path(), &secrets) {
        return Err(format!("the search reports a display prefix, which is not secret: {message}"));
    }
    let encodings = encodings(b"9Fx2LmQ0");
    for (encoding, text) in &encodings {
        plant(text)?;
        match files::search(folder.path(), &secrets) {
            Err(message) if message.contains("planted.db-wal") => {}
            Err(message) => {
                return Err(format!(
                    "the search for a secret planted as {encoding} found something else: {message}"
                ));
            }
            Ok(_) => {
                return Err(format!(
                    "the search does not find eight bytes of a secret planted as {encoding}"
                ));
            }
        }
    }
    Ok(format!("the search found the planted piece in all {} encodings", encodings.len()))
}

/// Returns the forms that a piece can have in a database or log, with the name of each encoding.
fn encodings(piece: &[u8]) -> Vec<(String, String)> {
    let hex: String = piece.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![
        ("text".to_owned(), String::from_utf8_lossy(piece).into_owned()),
        ("lower-case hexadecimal".to_owned(), hex.clone()),
        ("upper-case hexadecimal".to_owned(), hex.to_uppercase()),
        ("a list of bytes".to_owned(), format!("{piece:?}")),
        ("an indented list of bytes".to_owned(), format!("{piece:#?}")),
    ];
    for before in ["", "k", "ke"] {
        // The byte after the piece makes the two alphabets differ.
        let bytes = [before.as_bytes(), piece, b"\xfb\xff\xfe"].concat();
        let place = before.len();
        all.push((format!("base64 from byte {place} on"), STANDARD.encode(&bytes)));
        all.push((format!("URL-safe base64 from byte {place} on"), URL_SAFE_NO_PAD.encode(&bytes)));
    }
    all
}

/// A well-formed secret that belongs to no key.
const PLANTED: &str = "xtask demo_live_7KqA demo_live_7KqAzW9Fx2LmQ0rT5uVbN8cYpE1sGd4HjK6\n";
