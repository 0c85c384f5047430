//! Requirements on secrets and their [locators](crate#terms).

use super::{
    AnyHarness,
    fixture::{Fixture, create, delete, first, org, renamed, update},
    harness::race,
};
use crate::{
    Timestamp,
    store::{ChangeKind, CommitOutcome, KeyRow, KeyStore, SecretRow},
    token::{Locator, Scheme},
};

/// A look-up with several locators finds the secret that has one of them, whatever the order of the locators.
pub async fn secret_is_found_by_one_of_several_locators(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    for scheme in schemes() {
        let (row, secret) = with_locator(&store, store.locator(scheme)).await;
        for place in 0..4 {
            let mut candidates: Vec<_> =
                [1, 2, 3].map(|pepper| store.locator(Scheme::HmacSha256 { pepper })).to_vec();
            candidates.insert(place, secret.locator.clone());
            let found = store.find(&candidates).await.expect("find").expect("the key");
            assert_eq!((found.key, found.secret), (row.clone(), secret.clone()));
        }
    }
}

/// A look-up returns `None` for unknown locators of every scheme and for an empty list of locators.
pub async fn unknown_locators_find_no_secret(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let strange: Vec<_> = schemes().map(|scheme| store.locator(scheme)).to_vec();
    assert_eq!(store.find(&strange).await.expect("find"), None, "in an empty store");
    store.create(&org("o")).await;
    assert_eq!(store.find(&strange).await.expect("find"), None);
    assert_eq!(store.find(&[]).await.expect("find"), None);
}

/// Two locators are equal only if their schemes and all their bytes are equal.
pub async fn locators_with_a_different_scheme_or_byte_are_distinct(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let digests: [&[u8]; 6] = [&[0], &[0, 0], &[0xff; 32], &[0x20; 32], &[0x41; 32], &[0x61; 64]];
    for bytes in digests {
        let stored = Locator::new(Scheme::HmacSha256 { pepper: 1 }, bytes);
        let (row, _) = with_locator(&store, stored.clone()).await;
        let near = [
            Locator::new(Scheme::HmacSha256 { pepper: 1 }, [bytes, &[0]].concat()),
            Locator::new(Scheme::HmacSha256 { pepper: 1 }, &bytes[1..]),
            Locator::new(Scheme::HmacSha256 { pepper: 11 }, bytes),
            Locator::new(Scheme::Sha256, bytes),
            Locator::new(Scheme::Unknown("HMAC-SHA256:1".to_owned()), bytes),
        ];
        assert_eq!(store.found(&stored).await.expect("the key").key, row);
        store.done(delete(&row)).await;
        assert_eq!(store.find(&near).await.expect("find"), None);
        assert_eq!(store.found(&stored).await, None);
    }
    // 'A' and 'a' are different bytes, even if the database's text comparison ignores case.
    let (row, _) = with_locator(&store, Locator::new(Scheme::Sha256, [b'A'; 32])).await;
    with_locator(&store, Locator::new(Scheme::Sha256, [b'a'; 32])).await;
    let found = store.found(&Locator::new(Scheme::Sha256, [b'A'; 32])).await.expect("the key");
    assert_eq!(found.key, row);
}

/// A secret whose `ends_at` has passed is still found, because the caller compares `ends_at` with its own
/// clock.
pub async fn secret_that_has_ended_is_found(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let row = store.row(&org("o"));
    let mut secret = store.secret(row.id);
    secret.created_at = Timestamp::from_micros(1);
    secret.ends_at = Some(Timestamp::from_micros(2));
    store.done(create(&row, std::slice::from_ref(&secret))).await;
    assert_eq!(store.found(&secret.locator).await.expect("the key").secret, secret);
}

/// An update can add a secret, remove a secret, or do both, and the key is found by its current secrets only.
pub async fn update_adds_and_removes_secrets(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, old) = store.create(&org("o")).await;
    let new = store.secret(row.id);
    let second = renamed(&row, "rotating");
    store.done(rotate(&second, &[&new], &[])).await;
    for secret in [&old, &new] {
        let found = store.found(&secret.locator).await.expect("the key");
        assert_eq!((&found.key, &found.secret), (&second, secret));
    }
    let third = renamed(&second, "rotated");
    store.done(rotate(&third, &[], &[&old])).await;
    assert_eq!(store.found(&old.locator).await, None);
    assert_eq!(store.found(&new.locator).await.expect("the key").key, third);

    let (fourth, newest) = (renamed(&third, "in one go"), store.secret(row.id));
    store.done(rotate(&fourth, &[&newest], &[&new])).await;
    assert_eq!(store.found(&new.locator).await, None);
    assert_eq!(store.found(&newest.locator).await.expect("the key").key, fourth);
    assert_eq!(store.key_count(&row.org).await, 1);
}

/// An update keeps the secrets that it does not remove, and cannot remove a secret of another key.
pub async fn update_keeps_other_secrets(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (row, own) = store.create(&org("o")).await;
    let (other, foreign) = store.create(&org("o")).await;
    store.done(update(&renamed(&row, "edited"))).await;
    assert!(store.found(&own.locator).await.is_some());
    let edited = KeyRow { version: 3, ..row };
    store.done(rotate(&edited, &[], &[&foreign])).await;
    assert_eq!(store.found(&foreign.locator).await.expect("the other key").key, other);
}

/// A change that would store a locator twice, for one key or for two keys, returns `DuplicateLocator` and
/// writes nothing.
pub async fn locator_in_use_is_refused(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let (owner, taken) = store.create(&org("o")).await;
    let (row, _) = store.create(&org("o")).await;
    let newcomer = store.row(&org("other"));
    let twice = store.secret(newcomer.id);
    let moved = |key| SecretRow::new(taken.locator.clone(), key, taken.created_at);
    for kind in [
        create(&newcomer, &[store.secret(newcomer.id), moved(newcomer.id)]),
        create(&newcomer, &[twice.clone(), twice.clone()]),
        rotate(&renamed(&row, "thief"), &[&moved(row.id)], &[]),
        rotate(&renamed(&owner, "again"), &[&taken], &[]),
    ] {
        assert_eq!(store.attempt(kind).await, CommitOutcome::DuplicateLocator);
    }
    assert_eq!(store.found(&taken.locator).await.expect("the key").key, owner);
    assert_eq!(store.found(&twice.locator).await, None);
    assert_eq!(store.view(&row).await.expect("the key").row, row);
    assert_eq!(store.key_count(&newcomer.org).await, 0);
}

/// If keys of different organizations are created concurrently with the same locator, exactly one creation
/// succeeds.
pub async fn concurrent_creations_with_one_locator_succeed_exactly_once(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    for round in 0..20 {
        let locator = store.locator(Scheme::Sha256);
        let creations: Vec<_> = (0..8)
            .map(|number| {
                let row = store.row(&org(&format!("o{round}.{number}")));
                let secret = SecretRow::new(locator.clone(), row.id, row.created_at);
                let (change, store) = (store.change(first(create(&row, &[secret]))), store.shared());
                async move { (row, store.commit(&change).await.expect("commit")) }
            })
            .collect();
        let answers = race(harness, creations).await;
        let done: Vec<_> =
            answers.iter().filter(|(_, answer)| matches!(answer, CommitOutcome::Done { .. })).collect();
        let refused = answers.iter().filter(|(_, answer)| *answer == CommitOutcome::DuplicateLocator).count();
        assert_eq!((done.len(), refused), (1, 7), "round {round}");
        assert_eq!(store.found(&locator).await.expect("the key").key, done[0].0);
    }
}

/// The list that `schemes` returns contains the [scheme](crate#terms) of each stored secret, without
/// repetitions. After the last secret with a scheme was removed, the list does not contain that scheme.
pub async fn scheme_is_returned_while_a_secret_has_it(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    assert_eq!(in_use(&store).await, []);
    let [plain, peppered, foreign] = schemes();
    let (row, secret) = with_locator(&store, store.locator(peppered.clone())).await;
    let (second, _) = with_locator(&store, store.locator(peppered.clone())).await;
    let (third, _) = with_locator(&store, store.locator(foreign.clone())).await;
    assert_eq!(in_use(&store).await, sorted([peppered.clone(), foreign.clone()]));

    let added = store.secret(row.id);
    store.done(rotate(&renamed(&row, "rotated"), &[&added], &[&secret])).await;
    assert_eq!(in_use(&store).await, sorted([plain.clone(), peppered, foreign.clone()]));
    store.done(delete(&second)).await;
    assert_eq!(in_use(&store).await, sorted([plain.clone(), foreign]));
    assert_eq!(
        store.attempt(delete(&second)).await,
        CommitOutcome::NotFound { revision: store.revision().await }
    );
    store.done(delete(&third)).await;
    assert_eq!(in_use(&store).await, [plain]);
    store.done(ChangeKind::ForgetOrg { org: row.org }).await;
    store.purge().await;
    assert_eq!(in_use(&store).await, []);
}

/// After concurrent creations and deletions, the method `schemes` returns exactly the schemes of the stored
/// secrets.
pub async fn schemes_after_concurrent_changes_are_those_of_the_secrets(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let scheme = Scheme::HmacSha256 { pepper: 3 };
    let (kept, _) = with_locator(&store, store.locator(scheme.clone())).await;
    let lives: Vec<_> = (0..16)
        .map(|number| {
            let row = store.row(&org(&format!("o{number}")));
            let secret = SecretRow::new(store.locator(scheme.clone()), row.id, row.created_at);
            let changes = [store.change(first(create(&row, &[secret]))), store.change(delete(&row))];
            let store = store.shared();
            async move {
                for change in changes {
                    let answer = store.commit(&change).await.expect("commit");
                    assert!(matches!(answer, CommitOutcome::Done { .. }), "{answer:?}");
                }
            }
        })
        .collect();
    race(harness, lives).await;
    assert_eq!(in_use(&store).await, [scheme]);
    store.done(delete(&kept)).await;
    assert_eq!(in_use(&store).await, []);
}

fn schemes() -> [Scheme; 3] {
    [Scheme::Sha256, Scheme::HmacSha256 { pepper: u32::MAX }, Scheme::Unknown("legacy-bcrypt:v2".to_owned())]
}

fn sorted<const N: usize>(mut schemes: [Scheme; N]) -> [Scheme; N] {
    schemes.sort();
    schemes
}

async fn in_use(store: &Fixture) -> Vec<Scheme> {
    let mut schemes = store.schemes().await.expect("schemes");
    schemes.sort();
    schemes
}

async fn with_locator(store: &Fixture, locator: Locator) -> (KeyRow, SecretRow) {
    let row = store.row(&org("o"));
    let secret = SecretRow::new(locator, row.id, row.created_at);
    store.done(create(&row, std::slice::from_ref(&secret))).await;
    (row, secret)
}

/// Returns an update to `row` from the previous version that adds the secrets `added` and removes the secrets
/// `dropped`.
fn rotate(row: &KeyRow, added: &[&SecretRow], dropped: &[&SecretRow]) -> ChangeKind {
    ChangeKind::Update {
        row: row.clone(),
        expected_version: row.version - 1,
        added: added.iter().map(|secret| (*secret).clone()).collect(),
        dropped: dropped.iter().map(|secret| secret.locator.clone()).collect(),
    }
}
