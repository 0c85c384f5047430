use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::of_this_process;

/// A folder for the databases of a test. The files stay when the value is dropped, because they are searched later.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Creates a folder that nothing else in this process uses.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "creating a folder is an effect")]
    pub fn new() -> Self {
        static CREATED: AtomicU32 = AtomicU32::new(0);
        let number = CREATED.fetch_add(1, Ordering::Relaxed);
        let path = of_this_process().path(&number.to_string());
        fs::create_dir(&path).unwrap();
        Self { path }
    }

    /// The path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
