//! Tests every public call with every fault in every method of the store.
//!
//! [`call`] lists the calls, and [`rule`] derives the result that each call must have. If `KeyStore` gains a
//! method or a fault is added, this file no longer compiles. If a public call is added,
//! `table_contains_every_public_call` fails.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod call;
mod rule;
mod world;

use std::{collections::HashSet, fmt::Debug};

use apikeys_core::{
    Denial,
    audit::Action,
    conformance::faults::{Fault, Method},
};

use crate::{
    call::{Answer, Call},
    rule::{Expected, Lasting},
    world::{STORE_TIMEOUT, World},
};

fn faults() -> Vec<Fault> {
    let all = vec![
        Fault::Error,
        Fault::Rejected,
        Fault::Delay(STORE_TIMEOUT / 4),
        Fault::Delay(STORE_TIMEOUT * 10),
        Fault::Hang,
        Fault::AfterCommit,
    ];
    // If a fault is added, this `match` no longer compiles. Add the new fault to the list above, too.
    for fault in &all {
        match fault {
            Fault::Error | Fault::Rejected | Fault::Delay(_) | Fault::Hang | Fault::AfterCommit => {}
        }
    }
    all
}

/// Returns the methods that a call uses when nothing fails.
fn used_by(call: Call) -> HashSet<Method> {
    pollster::block_on(async {
        let world = World::new().await;
        call.prepare(&world).await;
        let before = Method::ALL.map(|method| world.faults.calls(method));
        assert_eq!(world.make(call).await, call.faultless(), "{call:?}");
        let used = Method::ALL.into_iter().zip(before);
        used.filter(|(method, before)| world.faults.calls(*method) > *before)
            .map(|(method, _)| method)
            .collect()
    })
}

#[test]
fn every_call_with_every_fault_has_the_expected_result_and_recovers() {
    let (mut cells, mut wrong) = (0, Vec::new());
    for call in Call::ALL {
        let used = used_by(call);
        for method in Method::ALL {
            for fault in faults() {
                for lasting in [Lasting::OneCall, Lasting::UntilCleared] {
                    let mut cell = Cell::new(format!("{call:?}, {method}: {fault:?} ({lasting:?})"));
                    let used = used.contains(&method);
                    pollster::block_on(check(&mut cell, call, method, used, fault, lasting));
                    cells += 1;
                    wrong.extend(cell.wrong);
                }
            }
        }
    }
    assert_eq!(cells, Call::ALL.len() * Method::ALL.len() * faults().len() * 2);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// One combination of call, method and fault, with the expectations that failed.
pub(crate) struct Cell {
    name: String,
    wrong: Vec<String>,
}

impl Cell {
    const fn new(name: String) -> Self {
        Self { name, wrong: Vec::new() }
    }

    pub(crate) fn expect(&mut self, right: bool, what: &str, seen: &impl Debug) {
        if !right {
            self.wrong.push(format!("{}: {what}: {seen:?}", self.name));
        }
    }
}

async fn check(cell: &mut Cell, call: Call, method: Method, used: bool, fault: Fault, lasting: Lasting) {
    let world = World::new().await;
    call.prepare(&world).await;
    let events = world.events(call.action()).await;
    match lasting {
        Lasting::OneCall => world.faults.once(method, fault),
        Lasting::UntilCleared => world.faults.set(method, fault),
    }
    let expected = if used { rule::expected(call, method, fault, lasting) } else { Expected::as_ever(call) };
    let answer = world.make(call).await;
    cell.expect(answer == expected.answer, "answer", &answer);

    // A key that could not be verified is neither admitted nor denied as invalid.
    if lasting == Lasting::UntilCleared && call.keeps_the_key() {
        let known = world.make(Call::Verify).await;
        let unknown = world.make(Call::VerifyUnknown).await;
        let unverified = Answer::Denied(Denial::VerificationUnavailable);
        let (expected_known, expected_unknown) = match (rule::passes(fault), method) {
            (false, Method::Find) => (unverified.clone(), unverified),
            (false, Method::Schemes) => (Answer::Done, unverified),
            _ => (Answer::Done, Answer::Denied(Denial::Invalid)),
        };
        cell.expect(known == expected_known, "known key meanwhile", &known);
        cell.expect(unknown == expected_unknown, "unknown key meanwhile", &unknown);
    }

    // After the fault, everything works again without a restart, and a change was made once or not at all.
    world.faults.clear();
    if call.action().is_some() {
        let made = world.events(call.action()).await - events;
        cell.expect(made == expected.made, "changes made", &made);
    }
    world.expect_recovered(cell, call).await;
}

#[test]
fn every_method_is_used_by_a_call() {
    let used: HashSet<Method> = Call::ALL.into_iter().flat_map(used_by).collect();
    for method in Method::ALL {
        assert!(used.contains(&method), "no call of the table uses {method}");
    }
}

#[test]
fn verification_asks_the_store_and_changes_are_committed() {
    for call in Call::ALL {
        let used = used_by(call);
        match call {
            Call::Verify | Call::Finish => assert!(used.contains(&Method::Find), "{call:?}"),
            Call::VerifyUnknown => {
                assert!(used.contains(&Method::Find) && used.contains(&Method::Schemes), "{call:?}");
            }
            _ if call.action().is_some_and(|action| action != Action::Request) => {
                assert!(used.contains(&Method::Commit), "{call:?}");
            }
            _ => {}
        }
    }
}

/// The calls include every asynchronous public function of the engine, and the two functions that return a
/// named future.
#[test]
fn table_contains_every_public_call() {
    let mut functions = HashSet::from(["ApiKeys::verify".to_owned(), "Admission::finish".to_owned()]);
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/engine")).unwrap() {
        let path = file.unwrap().path();
        let text = if path.is_file() { std::fs::read_to_string(&path).unwrap() } else { continue };
        let mut implementing = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("impl ") {
                implementing = rest.split([' ', '<']).next().unwrap();
            }
            if let Some(rest) = line.strip_prefix("    pub async fn ") {
                functions.insert(format!("{implementing}::{}", rest.split(['(', '<']).next().unwrap()));
            }
        }
    }
    let table: HashSet<String> = Call::ALL.map(|call| call.function().to_owned()).into();
    assert_eq!(table, functions);
}
