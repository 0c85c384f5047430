use std::{
    fs::{self, OpenOptions},
    io::Write,
};

use crate::places::{package, secrets};

/// Registers a secret that a test created. The files of all tests are searched for the secret.
pub fn note_secret(display_prefix: &str, secret: &str) {
    let path = secrets();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    let line = format!("{} {display_prefix} {secret}\n", package());
    // A line is one write, because other tests append to the same file.
    file.write_all(line.as_bytes()).unwrap();
}
