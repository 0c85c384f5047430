//! The names that the adapters export from their roots.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

/// The names of the core that an adapter re-exports from its root.
fn reexports(root: &'static str) -> &'static str {
    let start = root.find("pub use apikeys_core::{").expect("the adapter re-exports the core");
    let block = &root[start..];
    &block[..block.find("};").expect("the list ends")]
}

#[test]
fn both_adapters_reexport_the_same_names_of_the_core() {
    let tower = reexports(include_str!("../../apikeys-tower/src/lib.rs"));
    let actix = reexports(include_str!("../../apikeys-actix/src/lib.rs"));
    assert_eq!(tower, actix);
    for name in ["ApiKeys", "KeyManager", "ManageError", "Sources", "Wording"] {
        assert!(tower.contains(name), "{name}");
    }
}

/// A service imports the names of its first lines from one crate.
#[test]
fn adapter_roots_export_the_names_of_a_service() {
    #[allow(unused_imports, reason = "that the names exist is the test")]
    mod tower {
        use apikeys_tower::{
            Actor, ApiKeyLayer, ApiKeys, Caller, Denial, KeyManager, KeyPatch, ManageError, NewKey, OrgId,
            Plan, PlanName, Plans, Quota, RateLimit, RenderedBody, Sources, Timestamp, Wording, response,
        };
    }
    #[allow(unused_imports, reason = "that the names exist is the test")]
    mod actix {
        use apikeys_actix::{
            Actor, ApiKeyMiddleware, ApiKeys, Caller, Denial, KeyManager, KeyPatch, ManageError, NewKey,
            OrgId, Plan, PlanName, Plans, Quota, RateLimit, RenderedBody, Sources, Timestamp, Wording,
            response,
        };
    }
}
