use std::time::Duration;

use apikeys_core::{
    ApiKeys, BuildError, Denial, MemoryStore,
    conformance::faults::{Fault, InterceptedStore, Method},
    token::{Scheme, TokenFormat},
};

use crate::{
    log::CapturedLog,
    selective_store::SelectiveStore,
    support::{Bench, actor, new_key, org, plan, request},
};

#[tokio::test]
async fn unavailable_store_is_logged_once_per_interval_with_a_count() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    let log = CapturedLog::start();
    bench.faults.set(Method::Find, Fault::Error);
    for _ in 0..500 {
        assert_eq!(bench.call(&created.secret).await, Err(Denial::VerificationUnavailable));
    }
    let lines = log.take();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains("store"), "{lines:?}");
    bench.clock.advance(Duration::from_secs(10)).await;
    assert_eq!(bench.call(&created.secret).await, Err(Denial::VerificationUnavailable));
    let lines = log.take();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains("suppressed=499"), "{lines:?}");
}

#[tokio::test]
async fn failed_flushes_are_logged_once_per_interval() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    let log = CapturedLog::start();
    bench.faults.set(Method::Record, Fault::Error);
    for _ in 0..50 {
        bench.call(&created.secret).await.unwrap();
    }
    let lines = log.take();
    assert_eq!(lines.iter().filter(|line| line.contains("audit log")).count(), 1, "{lines:#?}");
}

#[tokio::test]
async fn unknown_plan_and_missing_pepper_are_logged_once_per_interval() {
    let store = MemoryStore::new();
    let (seller, _maintenance) = ApiKeys::builder(store.clone()).build().await.unwrap();
    seller.operator(actor()).set_plan(org("org"), plan("enterprise")).await.unwrap();
    let created = seller.manage(org("org"), actor()).create(new_key("CI")).await.unwrap();
    let other =
        apikeys_core::Plans::new([apikeys_core::Plan::new("other", apikeys_core::Quota::Unlimited).unwrap()]);
    let (keys, _maintenance) = ApiKeys::builder(store.clone()).plans(other.unwrap()).build().await.unwrap();
    let (peppered, _maintenance) =
        ApiKeys::builder(store).pepper(1, &[1; 32]).allow_unpeppered().build().await.unwrap();
    peppered.manage(org("org"), actor()).create(new_key("peppered")).await.unwrap();
    let stranger = TokenFormat::default().generate(&apikeys_core::entropy::OsEntropy::new()).unwrap();
    let log = CapturedLog::start();
    for _ in 0..50 {
        let known = keys.verify(created.secret.expose().as_bytes(), request()).await.unwrap_err();
        let unknown = keys.verify(stranger.expose().as_bytes(), request()).await.unwrap_err();
        assert_eq!((known, unknown), (Denial::VerificationUnavailable, Denial::VerificationUnavailable));
    }
    let lines = log.take();
    assert_eq!(lines.len(), 2, "{lines:#?}");
}

#[tokio::test]
async fn build_error_for_an_unknown_scheme_is_short_and_printable() {
    let scheme = Scheme::from(format!("sha3\u{1b}[2J\u{61c}{}", "x".repeat(1_000_000)).as_str());
    let store = SelectiveStore { inner: MemoryStore::new(), refuses: |_| None, scheme: Some(scheme) };
    let error = ApiKeys::builder(InterceptedStore::new(store)).build().await.unwrap_err();
    assert!(matches!(error, BuildError::UnknownScheme { .. }), "{error:?}");
    assert!(!error.to_string().contains("pepper"), "{error}");
    let text = format!("{error} {error:?}");
    assert!(text.contains("sha3") && text.len() < 400, "{} bytes: {}", text.len(), &text[..300]);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{61c}'), "{text:?}");
}
