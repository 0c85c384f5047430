//! The bodies of the fuzz targets in `fuzz/`. Each takes any bytes and panics if a rule is broken.
//!
//! A test of this crate calls the same functions with the stored corpus, so that inputs of earlier fuzzing are tested
//! in every run.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed check is a panic"
)]

mod client_address;
mod credential;
mod management;
mod token;
mod values;

pub use self::{
    client_address::client_address,
    credential::credential,
    management::{management_body, management_query},
    token::token,
    values::values,
};

/// A function that panics if a rule is broken for `data`.
pub type Target = fn(data: &[u8]);

/// All targets, with the names of their corpora.
pub const TARGETS: [(&str, Target); 6] = [
    ("client_address", client_address),
    ("credential", credential),
    ("management_body", management_body),
    ("management_query", management_query),
    ("token", token),
    ("values", values),
];

/// Reads `data` as header lines: one in each line, the name before the first colon.
fn header_lines(data: &[u8]) -> Vec<(&str, &[u8])> {
    let lines = data.split(|byte| *byte == b'\n');
    lines
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = std::str::from_utf8(&line[..colon]).ok()?;
            Some((name, &line[colon + 1..]))
        })
        .collect()
}
