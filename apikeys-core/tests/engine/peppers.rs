use apikeys_core::{ApiKeys, BuildError, Builder, Denial, MemoryStore, token::InvalidPepper};

use crate::support::{actor, new_key, org, plan, request};

async fn engine(store: &MemoryStore, peppers: &[(u32, u8)]) -> Result<ApiKeys, BuildError> {
    build(ApiKeys::builder(store.clone()), peppers).await
}

/// Builds an engine that accepts secrets that were stored before the first pepper was set.
async fn migrating_engine(store: &MemoryStore, peppers: &[(u32, u8)]) -> Result<ApiKeys, BuildError> {
    build(ApiKeys::builder(store.clone()).allow_unpeppered(), peppers).await
}

async fn build(mut builder: Builder, peppers: &[(u32, u8)]) -> Result<ApiKeys, BuildError> {
    for (version, byte) in peppers {
        builder = builder.pepper(*version, &[*byte; 32]);
    }
    builder.build().await.map(|(keys, _maintenance)| keys)
}

async fn issue(keys: &ApiKeys) -> String {
    keys.operator(actor()).set_plan(&org("org"), &plan("enterprise")).await.unwrap();
    keys.manage(org("org"), actor()).create(new_key("CI")).await.unwrap().secret.expose().to_owned()
}

#[tokio::test]
async fn keys_work_while_their_pepper_is_set_and_new_keys_use_the_newest() {
    let store = MemoryStore::new();
    let plain = issue(&engine(&store, &[]).await.unwrap()).await;
    let first = issue(&migrating_engine(&store, &[(1, 1)]).await.unwrap()).await;
    let both = migrating_engine(&store, &[(1, 1), (2, 2)]).await.unwrap();
    let second = issue(&both).await;
    for secret in [&plain, &first, &second] {
        assert!(both.verify(secret.as_bytes(), request()).await.is_ok());
    }
    // The store has keys under both peppers, so an engine without one of them cannot be built.
    for (held, missing) in [(&[(1, 1)][..], 2), (&[(2, 2)], 1), (&[], 1)] {
        let error = migrating_engine(&store, held).await.unwrap_err();
        assert!(
            matches!(error, BuildError::MissingPepper { version } if version == missing),
            "{held:?}: {error:?}"
        );
        assert_eq!(
            error.to_string(),
            format!(
                "the store holds keys that were created with version {missing} of the pepper: add this version \
                 with `pepper` on the builder"
            )
        );
    }
}

#[tokio::test]
async fn unknown_key_is_unavailable_while_another_process_uses_a_pepper_that_is_missing_here() {
    let store = MemoryStore::new();
    let old = engine(&store, &[(1, 1)]).await.unwrap();
    let known = issue(&old).await;
    let new = engine(&store, &[(1, 1), (2, 2)]).await.unwrap();
    let unknown_here = issue(&new).await;
    assert_eq!(
        old.verify(unknown_here.as_bytes(), request()).await.unwrap_err(),
        Denial::VerificationUnavailable
    );
    assert!(old.verify(known.as_bytes(), request()).await.is_ok());
    assert!(new.verify(unknown_here.as_bytes(), request()).await.is_ok());
    // When no key uses the missing pepper, an unknown key is invalid again.
    let listing = new.manage(org("org"), actor()).list(1, None).await.unwrap();
    new.manage(org("org"), actor()).delete(listing.items[0].id()).await.unwrap();
    assert_eq!(old.verify(unknown_here.as_bytes(), request()).await.unwrap_err(), Denial::Invalid);
}

#[tokio::test]
async fn other_pepper_of_the_same_version_verifies_nothing() {
    let store = MemoryStore::new();
    let secret = issue(&engine(&store, &[(1, 1)]).await.unwrap()).await;
    let wrong = engine(&store, &[(1, 9)]).await.unwrap();
    assert_eq!(wrong.verify(secret.as_bytes(), request()).await.unwrap_err(), Denial::Invalid);
}

#[tokio::test]
async fn build_refuses_invalid_peppers_and_prefixes() {
    let short = ApiKeys::builder(MemoryStore::new()).pepper(1, &[0; 31]).build().await;
    assert!(matches!(short, Err(BuildError::Pepper(InvalidPepper::TooShort))));
    let twice = ApiKeys::builder(MemoryStore::new()).pepper(1, &[0; 32]).pepper(1, &[1; 32]).build().await;
    assert!(matches!(twice, Err(BuildError::Pepper(InvalidPepper::Repeated(1)))));
    assert!(matches!(
        ApiKeys::builder(MemoryStore::new()).prefix("Bad").build().await,
        Err(BuildError::Prefix(_))
    ));
}

/// The attacker can write to the database, but does not know the pepper.
#[tokio::test]
async fn planted_sha256_row_is_not_accepted_while_a_pepper_is_set() {
    let store = MemoryStore::new();
    let attacker = engine(&store, &[]).await.unwrap();
    let peppered = engine(&store, &[(1, 1)]).await.unwrap();
    let own = issue(&peppered).await;
    let planted = issue(&attacker).await;
    assert_eq!(
        peppered.verify(planted.as_bytes(), request()).await.unwrap_err(),
        Denial::VerificationUnavailable
    );
    assert!(peppered.verify(own.as_bytes(), request()).await.is_ok());
    let error = engine(&store, &[(1, 1)]).await.unwrap_err();
    assert!(error.to_string().contains("allow_unpeppered"), "{error}");
}
