use std::{
    env,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::Mutex,
};

use apikeys_core::Secret;
use tracing_subscriber::EnvFilter;

/// The folder of one test. What is left in it is searched for secrets when all tests are done.
#[derive(Debug, Clone)]
pub struct Artifacts {
    folder: PathBuf,
}

impl Artifacts {
    /// A new, empty folder for `test`, with a log of everything that happens in this process.
    #[must_use]
    pub fn new(test: &str) -> Self {
        Self::with_log(test, "trace")
    }

    /// The same, with a log filtered as `RUST_LOG` would: for tests that would fill the disk.
    #[must_use]
    pub fn with_log(test: &str, filter: &str) -> Self {
        let folder = variable("APIKEYS_TEST_ARTIFACTS", "test-artifacts").join(test);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        let artifacts = Self { folder };
        let log = Mutex::new(artifacts.create("test.log"));
        // Tests that share a process, as with `cargo test`, share the first one's log.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_writer(log)
            .with_ansi(false)
            .try_init();
        // Whoever searches the logs can tell by this line that nothing was filtered out.
        tracing::trace!(test, "logging");
        artifacts
    }

    /// Where a file of this name is to be put.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The URL of a SQLite database in this folder.
    #[must_use]
    pub fn sqlite_url(&self, name: &str) -> String {
        format!("sqlite:{}", self.path(&format!("{name}.db")).display())
    }

    /// A new file.
    #[must_use]
    pub fn create(&self, name: &str) -> File {
        File::create(self.path(name)).unwrap()
    }

    /// Leaves a text, such as that of an error, to be searched.
    pub fn leave(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        writeln!(file, "{text}").unwrap();
    }

    /// Notes a secret that was read from where it is allowed to be, so that it is searched for.
    pub fn note_secret(&self, display_prefix: &str, secret: &str) {
        note(display_prefix, secret);
    }

    /// Copies a database as it lies there, with its write-ahead log.
    pub fn keep_copy(&self, name: &str) {
        for ending in ["db", "db-wal"] {
            let from = self.path(&format!("{name}.{ending}"));
            if from.exists() {
                fs::copy(&from, self.path(&format!("{name}-copy.{ending}"))).unwrap();
            }
        }
    }
}

/// Notes a secret that was issued, so that it is searched for.
pub(crate) fn note_secret(secret: &Secret) {
    note(secret.display_prefix(), secret.expose());
}

/// Notes a secret known by its text only.
pub(crate) fn note(display_prefix: &str, secret: &str) {
    let path = variable("APIKEYS_TEST_SECRETS", "test-secrets.txt");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    // One write for a line: other tests write here too.
    file.write_all(format!("{display_prefix} {secret}\n").as_bytes()).unwrap();
}

fn variable(name: &str, default: &str) -> PathBuf {
    match env::var_os(name) {
        Some(path) => path.into(),
        None => target().join(default),
    }
}

/// Where cargo builds.
fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
