//! Runs the stored corpus of every fuzz target.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, after the name of its input"
)]

use std::{collections::BTreeSet, fs, path::Path};

use apikeys_test_fuzz::TARGETS;

/// The minimum number of inputs for a target. Fewer inputs mean that the corpus was lost.
const FEWEST: usize = 50;

fn fuzz() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

#[test]
fn every_input_of_the_corpus_keeps_the_promises_of_its_target() {
    for (name, target) in TARGETS {
        let mut inputs = 0;
        for entry in fs::read_dir(fuzz().join("corpus").join(name)).unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            target(&fs::read(&path).unwrap());
            inputs += 1;
        }
        assert!(inputs >= FEWEST, "{name}: {inputs} inputs, expected {FEWEST} or more");
    }
}

#[test]
fn every_fuzz_target_has_a_corpus_and_a_body() {
    let names = |folder: &str| -> BTreeSet<String> {
        let files = fs::read_dir(fuzz().join(folder)).unwrap();
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let bodies: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!((names("fuzz_targets"), names("corpus")), (bodies.clone(), bodies));
}
