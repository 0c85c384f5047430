//! Texts that a collation would take for equal.

use apikeys_sqlx_store::apikeys_core::{
    audit::Action,
    store::{AuditQuery, ChangeKind, KeyStore, StoreErrorKind},
    token::{Locator, Scheme},
};

use super::{
    Stored,
    common::{change, create, creation, done, event, org, row, secret},
};

const SIMILAR: [&str; 7] = ["foreign", "Foreign", "foreign ", "foreign  ", "foreígn", "foreign\0", "ﬀoreign"];

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn locators_of_similar_schemes_are_distinct() {
    let stored = Stored::new().await;
    let mut rows = Vec::new();
    for text in SIMILAR {
        for bytes in [b"abc".to_vec(), b"ABC".to_vec(), b"abc ".to_vec(), b"abc\0".to_vec()] {
            let key = row(&stored.key.org);
            let mut secret = secret(key.id);
            secret.locator = Locator::new(Scheme::from(text), bytes);
            let expected = stored.store.org(&key.org).await.unwrap().map(|row| row.stored_plan());
            done(&stored.store, &creation(&key, &secret, expected)).await;
            rows.push((key, secret));
        }
    }
    for (key, secret) in &rows {
        let found = stored.store.find(std::slice::from_ref(&secret.locator)).await.unwrap().unwrap();
        assert_eq!((&found.key, &found.secret), (key, secret));
    }
    let mut schemes: Vec<String> =
        stored.store.schemes().await.unwrap().iter().map(ToString::to_string).collect();
    schemes.sort();
    let mut expected: Vec<String> = SIMILAR.map(str::to_owned).into();
    expected.push("sha256".to_owned());
    expected.sort();
    assert_eq!(schemes, expected);
    let missing = Locator::new(Scheme::from("FOREIGN"), b"abc".to_vec());
    assert!(stored.store.find(&[missing]).await.unwrap().is_none());
}

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn events_of_similar_actions_are_filtered_apart() {
    let stored = Stored::new().await;
    let (org, key) = (&stored.key.org, stored.key.id);
    let actions = ["Request", "request ", "key.created ", "KEY.CREATED", "key.created", "new.action"];
    let mut repeated = stored.store.key(org, key).await.unwrap().unwrap().row;
    repeated.version += 1;
    let kind = ChangeKind::Update {
        row: repeated,
        expected_version: stored.key.version,
        added: Vec::new(),
        dropped: Vec::new(),
    };
    let mut change = change(kind, Action::KeyUpdated);
    for action in actions {
        change.events.push(event(org, Some(key), Action::from_stored(action)));
    }
    done(&stored.store, &change).await;
    for action in actions {
        let query = AuditQuery::new(org.clone(), 10).action(Action::from_stored(action));
        for query in [query.clone(), query.key(key)] {
            let page = stored.store.audit(&query).await.unwrap();
            let found: Vec<_> =
                page.items.iter().map(|entry| entry.event.action.as_str().to_owned()).collect();
            // The creation of the key is an event too.
            let expected = if action == "key.created" { 2 } else { 1 };
            assert_eq!(found, vec![action; expected]);
        }
    }
}

/// An action is part of a primary key. A text that does not fit is an error.
#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn value_that_is_too_long_is_rejected_and_nothing_is_written() {
    let stored = Stored::new().await;
    let key = row(&org("other"));
    let mut creation = creation(&key, &secret(key.id), None);
    creation.events.push(event(&key.org, None, Action::from_stored(&"a".repeat(256))));
    let error = stored.store.commit(&creation).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Rejected);
    assert!(stored.store.org(&key.org).await.unwrap().is_none());
    create(&stored.store, &key.org).await;
}
