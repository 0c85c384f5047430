//! Keys as they are stored, found, listed, edited and deleted.

use super::{
    Harness,
    fixture::{Fixture, org, plan},
};

/// A key is found by its secret from the moment its creation was answered, with its
/// organization's plan and the revision.
pub async fn a_created_key_is_found_by_its_secret<H: Harness>(harness: &H) {
    let store = Fixture::open(harness).await;
    let (row, secret) = store.create(&org("o")).await;
    let found = store.found(&secret.locator).await.expect("the key");
    assert_eq!((&found.key, &found.secret, &found.plan), (&row, &secret, &plan("starter")));
    assert_eq!(found.revision, store.revision().await);
}
