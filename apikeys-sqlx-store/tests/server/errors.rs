//! Errors of a database do not show the values of a statement.

use std::error::Error;

use apikeys_sqlx_store::apikeys_core::{
    KeyId, KeyStore,
    store::{StoreError, StoreErrorKind},
};

use crate::{
    database::{Opened, Server},
    on_each_server,
    values::{creation, done, org, row, secret},
};

on_each_server!(value_that_the_database_rejects_is_not_in_the_error);

/// Returns all that a log can show of an error.
pub(crate) fn shown(error: &StoreError) -> String {
    let mut text = format!("{error:?} {error:#?}");
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(some) = cause {
        text.push_str(&some.to_string());
        cause = some.source();
    }
    text
}

async fn value_that_the_database_rejects_is_not_in_the_error<S: Server>() {
    let opened = Opened::<S>::new().await;
    let mut key = row(&org("acme"));
    key.id = KeyId::from_bytes(*b"marker-of-a-key!");
    done(&opened.store, &creation(&key, &secret(key.id), None)).await;
    let expected = opened.store.org(&key.org).await.unwrap().map(|row| row.stored_plan());
    let again = creation(&key, &secret(key.id), expected);
    let error = opened.store.commit(&again).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Rejected);
    let shown = shown(&error);
    assert!(shown.contains(S::DUPLICATE), "{shown}");
    for value in ["marker", "6d61726b6572", "109, 97, 114, 107"] {
        assert!(!shown.contains(value), "{shown}");
    }
}
