//! The time of checking a wrong secret must not depend on how the secret is wrong.
//!
//! Each test measures an operation for several classes of input, and [`judge`] decides whether the times of
//! the classes differ. The judge must also find a difference for comparisons that stop at the first unequal
//! byte, with the same inputs.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod inputs;
mod judge;

use std::hint::black_box;

use apikeys_core::token::{Fingerprint, Peppers};

use crate::{
    inputs::{DigestPair, FingerprintPairs, Presented, format},
    judge::{BOUND, Judge},
};

const WHOLE_PATH: Judge = Judge { rounds: 11, cases: 20_000, repeats: 1 };
/// A comparison takes a few nanoseconds, so each measurement repeats the comparison.
const COMPARISON: Judge = Judge { rounds: 11, cases: 20_000, repeats: 8 };

/// Compares byte by byte and stops at the first difference, which a comparison of secrets must not do.
#[inline(never)]
fn stops_early(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| black_box(one) == black_box(other))
}

#[test]
fn wrong_first_character_wrong_last_character_and_unknown_secret_take_the_same_time() {
    let (format, peppers) = (format(), Peppers::none());
    let t = WHOLE_PATH.largest_difference(3, Presented::new, |case| {
        let secret = format.check(&case.text).unwrap();
        Fingerprint::of(secret) == case.fingerprint && peppers.newest(secret).matches(&case.locator)
    });
    assert!(t < BOUND, "t = {t}");
}

#[test]
fn comparing_the_texts_of_secrets_before_their_digests_is_found() {
    let (format, peppers) = (format(), Peppers::none());
    let t = WHOLE_PATH.largest_difference(3, Presented::new, |case| {
        let secret = format.check(&case.text).unwrap();
        stops_early(secret.as_bytes(), &case.stored) && peppers.newest(secret).matches(&case.locator)
    });
    assert!(t >= BOUND, "the judge misses a leak: t = {t}");
}

#[test]
fn locators_take_the_same_time_to_compare_wherever_their_digests_differ() {
    let t = COMPARISON.largest_difference(3, DigestPair::new, |pair| pair.one.matches(&pair.other));
    assert!(t < BOUND, "t = {t}");
}

#[test]
fn comparing_locators_byte_by_byte_is_found() {
    let t = COMPARISON.largest_difference(3, DigestPair::new, |pair| {
        stops_early(pair.one.as_bytes(), pair.other.as_bytes())
    });
    assert!(t >= BOUND, "the judge misses a leak: t = {t}");
}

#[test]
fn fingerprints_take_the_same_time_to_compare_with_and_without_an_equal_prefix() {
    let pairs = FingerprintPairs::find();
    let t = COMPARISON.largest_difference(2, |class, random| pairs.pick(class, random), |(a, b)| a == b);
    assert!(t < BOUND, "t = {t}");
}

#[test]
fn comparing_fingerprints_byte_by_byte_is_found() {
    let pairs = FingerprintPairs::find();
    let t = COMPARISON.largest_difference(
        2,
        |class, random| pairs.pick(class, random),
        |(a, b)| stops_early(a.as_bytes(), b.as_bytes()),
    );
    assert!(t >= BOUND, "the judge misses a leak: t = {t}");
}
