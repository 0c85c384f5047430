use std::time::Duration;

use apikeys_core::{
    Clock, Denial, KeyPatch, Plan, Plans, Quota, conformance::faults::Method, token::TokenFormat,
};

use crate::support::{Bench, id, new_key, org, plan, request};

#[tokio::test]
async fn admission_names_the_key_organization_plan_and_rate() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    let admission = bench.verify(&created.secret).await.unwrap();
    let caller = admission.key();
    assert_eq!(caller.org(), &org("org"));
    assert_eq!(caller.key_id(), id(&created));
    assert_eq!(caller.key_name().as_str(), "CI");
    assert_eq!(caller.plan(), &plan("enterprise"));
    assert_eq!((caller.rate().limit.requests(), caller.rate().remaining), (60, 59));
}

#[tokio::test]
async fn malformed_key_is_denied_without_a_lookup() {
    let bench = Bench::new().await;
    let good = bench.create(new_key("CI")).await.secret.expose().to_owned();
    let before = bench.faults.calls(Method::Find);
    let long = "x".repeat(10_000);
    let flipped =
        good.chars().map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c }).collect::<String>();
    for bad in [
        "",
        "key",
        &good[1..],
        &good[..good.len() - 1],
        &format!("{good} "),
        &format!("{good}\0"),
        &long,
        &flipped,
    ] {
        assert_eq!(
            bench.keys.verify(bad.as_bytes(), request()).await.unwrap_err(),
            Denial::Invalid,
            "{bad:?}"
        );
    }
    for byte in [0_u8, b'\r', b'\n', 0x80, 0xff, b'%'] {
        let mut bytes = good.clone().into_bytes();
        bytes[20] = byte;
        assert_eq!(bench.keys.verify(&bytes, request()).await.unwrap_err(), Denial::Invalid);
    }
    assert_eq!(bench.faults.calls(Method::Find), before);
    assert_eq!(bench.faults.calls(Method::Schemes), 1, "only the builder asked");
}

/// A random checksum is right once in 2^32 tries, so none of a million guesses causes a look-up or leaves
/// state.
#[tokio::test]
async fn million_guesses_with_wrong_checksums_cause_no_lookup() {
    let bench = Bench::new().await;
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut token = *b"test_key_000000000000000000000000000000000000";
    for _ in 0..1_000_000 {
        for byte in &mut token[9..] {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = alphabet[(state % 62) as usize];
        }
        assert_eq!(bench.keys.verify(&token, request()).await.unwrap_err(), Denial::Invalid);
    }
    assert_eq!(bench.faults.calls(Method::Find), 0);
    assert_eq!(bench.keys.health().live_keys, 0);
    assert_eq!(bench.keys.health().buffered_events, 0);
}

#[tokio::test]
async fn unknown_key_is_invalid_and_leaves_no_state() {
    let bench = Bench::new().await;
    let format = TokenFormat::new("test_key".parse().unwrap());
    let stranger = format.generate(&apikeys_core::entropy::OsEntropy::new()).unwrap();
    assert_eq!(bench.verify(&stranger).await.unwrap_err(), Denial::Invalid);
    assert_eq!(bench.keys.health().live_keys, 0);
    assert!(bench.requests().await.is_empty());
}

/// Returns the secret with another last character before the checksum, and the matching checksum.
fn with_another_body(secret: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let (head, _) = secret.split_at(secret.len() - 6);
    let (kept, last) = head.split_at(head.len() - 1);
    let head = format!("{kept}{}", if last == "x" { "y" } else { "x" });
    let mut rest = crc32fast::hash(head.as_bytes());
    let mut checksum = ['0'; 6];
    for digit in checksum.iter_mut().rev() {
        *digit = char::from(DIGITS[(rest % 62) as usize]);
        rest /= 62;
    }
    format!("{head}{}", checksum.iter().collect::<String>())
}

#[tokio::test]
async fn guess_with_the_same_display_prefix_is_invalid_whatever_the_keys_state() {
    let bench = Bench::new().await;
    let keys = [
        bench.create(new_key("active")).await,
        bench.create(new_key("off")).await,
        bench
            .create(new_key("old").expires_at(bench.clock.wall().saturating_add(Duration::from_secs(1))))
            .await,
        bench.create(new_key("gone")).await,
    ];
    bench.manage().deactivate(id(&keys[1])).await.unwrap();
    bench.manage().delete(id(&keys[3])).await.unwrap();
    bench.clock.advance(Duration::from_secs(1)).await;
    let answers = [None, Some(Denial::Deactivated), Some(Denial::Expired), Some(Denial::Invalid)];
    for (created, wanted) in keys.iter().zip(answers) {
        assert_eq!(bench.call(&created.secret).await.err(), wanted);
        let guess = with_another_body(created.secret.expose());
        assert!(guess.starts_with(created.secret.display_prefix()) && guess != created.secret.expose());
        let before = bench.faults.calls(Method::Find);
        let answer = bench.keys.verify(guess.as_bytes(), request()).await;
        assert_eq!(answer.err(), Some(Denial::Invalid));
        assert_eq!(bench.faults.calls(Method::Find), before + 1, "the guess is not well-formed");
    }
}

#[tokio::test]
async fn key_works_until_the_instant_it_expires_and_again_when_extended() {
    let bench = Bench::new().await;
    let end = bench.clock.wall().saturating_add(Duration::from_secs(10));
    let created = bench.create(new_key("CI").expires_at(end)).await;
    bench.clock.advance(Duration::from_micros(9_999_999)).await;
    assert_eq!(bench.call(&created.secret).await, Ok(()));
    bench.clock.advance(Duration::from_micros(1)).await;
    assert_eq!(bench.call(&created.secret).await, Err(Denial::Expired));
    bench.clock.advance(Duration::from_secs(100)).await;
    assert_eq!(bench.call(&created.secret).await, Err(Denial::Expired));
    let later = bench.clock.wall().saturating_add(Duration::from_secs(10));
    bench.manage().update(id(&created), KeyPatch::new().expires_at(later)).await.unwrap();
    assert_eq!(bench.call(&created.secret).await, Ok(()));
    bench.manage().update(id(&created), KeyPatch::new().no_expiry()).await.unwrap();
    bench.clock.advance(Duration::from_secs(1_000_000)).await;
    assert_eq!(bench.call(&created.secret).await, Ok(()));
}

#[tokio::test]
async fn change_of_plan_applies_to_the_next_request() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    for _ in 0..3 {
        bench.set_plan("free").await;
        assert_eq!(bench.call(&created.secret).await, Err(Denial::PlanWithoutAccess));
        bench.set_plan("starter").await;
        assert_eq!(bench.call(&created.secret).await, Ok(()));
    }
    bench.set_plan("free").await;
    bench.manage().deactivate(id(&created)).await.unwrap();
    assert_eq!(
        bench.call(&created.secret).await,
        Err(Denial::Deactivated),
        "the key's own state comes first"
    );
}

#[tokio::test]
async fn organization_on_an_unknown_plan_is_unavailable() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    let other = Plans::new([Plan::new("other", Quota::Unlimited).unwrap()]).unwrap();
    let (keys, _maintenance) = apikeys_core::ApiKeys::builder(bench.store.clone())
        .plans(other)
        .prefix("test_key")
        .build()
        .await
        .unwrap();
    let denial = keys.verify(created.secret.expose().as_bytes(), request()).await.unwrap_err();
    assert_eq!(denial, Denial::VerificationUnavailable);
}

#[tokio::test]
async fn keys_with_an_old_prefix_work_while_it_is_accepted() {
    let bench = Bench::new().await;
    let created = bench.create(new_key("CI")).await;
    let build = |accept: bool| {
        let builder = apikeys_core::ApiKeys::builder(bench.store.clone()).prefix("new_key");
        if accept { builder.also_accept("test_key") } else { builder }.build()
    };
    let secret = created.secret.expose().as_bytes();
    let (accepting, _maintenance) = build(true).await.unwrap();
    assert!(accepting.verify(secret, request()).await.is_ok());
    let (strict, _maintenance) = build(false).await.unwrap();
    assert_eq!(strict.verify(secret, request()).await.unwrap_err(), Denial::Invalid);
}
