//! Requests with unknown keys must not increase the memory of a process.
//!
//! This file must have only one test, because the test reads the memory of the whole process, as Linux
//! reports it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{collections::HashMap, fs, sync::Arc};

use apikeys_core::{
    ApiKeys, Denial, ManualClock, MemoryStore, RequestMeta,
    conformance::faults::{FaultStore, Method},
};

const WARM_UP: u64 = 50_000;
const TOKENS: u64 = 1_000_000;

/// The KiB by which the process may grow, which are four bytes for each token. Even the smallest entry of a
/// map, a 64-bit hash with its place, would need four times as much.
const BOUND: u64 = 4_096;

#[test]
fn million_unknown_keys_leave_nothing_in_memory() {
    let store = FaultStore::new(MemoryStore::new(), Arc::new(ManualClock::default()));
    let calls = store.faults().clone();
    let (keys, _maintenance) =
        pollster::block_on(ApiKeys::builder(store).prefix("test_key").build()).unwrap();
    let verify = |number: u64| {
        let token = well_formed(number);
        let answer = pollster::block_on(keys.verify(&token, RequestMeta::new("GET", "/v1/items")));
        assert_eq!(answer.unwrap_err(), Denial::Invalid);
    };
    (0..WARM_UP).for_each(verify);
    let before = resident_kib();
    (WARM_UP..WARM_UP + TOKENS).for_each(verify);
    let after = resident_kib();
    let grown = after.saturating_sub(before);
    assert!(grown <= BOUND, "{TOKENS} unknown keys made the process grow by {grown} KiB");
    // A wrong checksum would have caused no read from the store.
    assert_eq!(calls.calls(Method::Find), WARM_UP + TOKENS);
    let health = keys.health();
    assert_eq!((health.live_keys, health.buffered_events), (0, 0));

    // An entry for each token would exceed the bound.
    let entries: HashMap<u64, u64> = (0..TOKENS).map(|number| (number, number)).collect();
    let seen = resident_kib().saturating_sub(after);
    assert!(seen > BOUND, "{} entries are measured as {seen} KiB", entries.len());
}

/// Returns a secret that was never issued, with the right checksum. Each number gives a different secret.
fn well_formed(number: u64) -> [u8; 45] {
    let mut token = *b"test_key_000000000000000000000000000000000000";
    let mut digits = |places: std::ops::Range<usize>, mut rest: u64| {
        for place in places.rev() {
            token[place] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                [usize::try_from(rest % 62).unwrap()];
            rest /= 62;
        }
        token
    };
    let body = digits(9..39, number);
    digits(39..45, u64::from(crc32fast::hash(&body[..39])))
}

/// Returns the resident memory of this process in KiB.
fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}
