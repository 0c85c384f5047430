use std::{
    env,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process,
    sync::{Mutex, OnceLock},
    thread,
};

use tracing_subscriber::EnvFilter;

use crate::{note_secret, places};

/// The folder of one test, which is searched for secrets after all tests.
#[derive(Debug, Clone)]
pub struct Artifacts {
    folder: PathBuf,
}

/// Returns the folder of this test process. The first call creates it, with a log of everything that
/// happens in the process.
pub fn of_this_process() -> &'static Artifacts {
    static ARTIFACTS: OnceLock<Artifacts> = OnceLock::new();
    ARTIFACTS.get_or_init(|| {
        let program = env::current_exe().unwrap();
        let program = program.file_stem().unwrap().to_str().unwrap();
        Artifacts::new(&format!("{program}-{}", process::id()))
    })
}

impl Artifacts {
    /// Creates an empty folder for `test`, with a log of everything that happens in this process.
    #[must_use]
    pub fn new(test: &str) -> Self {
        Self::with_log(test, "trace")
    }

    /// Creates an empty folder for `test`, with a log that `filter` limits in the format of `RUST_LOG`. Use this for
    /// tests whose full log would fill the disk.
    #[must_use]
    pub fn with_log(test: &str, filter: &str) -> Self {
        let folder = places::artifacts().join(places::package()).join(test);
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        fs::create_dir_all(&folder).unwrap();
        let artifacts = Self { folder };
        let log = Mutex::new(artifacts.create("test.log"));
        // Tests that share a process, as with `cargo test`, share the log of the first one.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(filter))
            .with_writer(log)
            .with_ansi(false)
            .try_init();
        // The search counts logs with a line of this level, which shows that the log was not filtered.
        tracing::trace!(test, thread = thread::current().name(), "logging");
        artifacts
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of a file in this folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The URL of a SQLite database in this folder.
    #[must_use]
    pub fn sqlite_url(&self, name: &str) -> String {
        format!("sqlite:{}", self.path(&format!("{name}.db")).display())
    }

    /// Creates an empty file in this folder.
    #[must_use]
    pub fn create(&self, name: &str) -> File {
        File::create(self.path(name)).unwrap()
    }

    /// Appends a text, such as that of an error, to a file in this folder.
    pub fn leave(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        writeln!(file, "{text}").unwrap();
    }

    /// Registers a secret that was read from an allowed place.
    pub fn note_secret(&self, display_prefix: &str, secret: &str) {
        note_secret(display_prefix, secret);
    }

    /// Copies the files of a database, with its write-ahead log.
    pub fn keep_copy(&self, name: &str) {
        for ending in ["db", "db-wal"] {
            let from = self.path(&format!("{name}.{ending}"));
            if from.exists() {
                fs::copy(&from, self.path(&format!("{name}-copy.{ending}"))).unwrap();
            }
        }
    }
}
