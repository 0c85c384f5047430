//! Leaves a database and logs to the search for leaked secrets.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use apikeys_sqlx_store::{
    SqliteStore,
    apikeys_core::{
        Actor, ApiKeys, KeyPatch, NewKey, OrgId, PlanName, RequestMeta, engine::CreatedKey, store::AuditQuery,
    },
};
use apikeys_test_leftovers::{note_secret, of_this_process};

/// Runs every operation on keys, and admitted and denied requests, with a database file. When all tests have run,
/// the file, its write-ahead log and the log of the process are searched for secrets.
#[tokio::test]
async fn engine_on_a_file_leaves_no_secret_for_the_search() {
    let artifacts = of_this_process();
    let store = SqliteStore::connect(&artifacts.sqlite_url("keys")).await.unwrap();
    let (keys, _maintenance) = ApiKeys::builder(store.clone()).build().await.unwrap();
    let (org, ann) = (OrgId::new("org_1").unwrap(), Actor::new("ann").unwrap());
    keys.operator(ann.clone()).set_plan(&org, PlanName::new("enterprise").unwrap()).await.unwrap();
    let manage = keys.manage(&org, ann);

    let mut created: Vec<CreatedKey> = Vec::new();
    for number in 0..10 {
        let new = manage.create(NewKey::new(format!("key {number}")).unwrap()).await.unwrap();
        note_secret(new.secret.display_prefix(), new.secret.expose());
        created.push(new);
    }
    let patch = KeyPatch::new().name("renamed".parse().unwrap()).active(false);
    manage.update(created[0].key.id(), patch).await.unwrap();
    manage.delete(created[1].key.id()).await.unwrap();

    let mut denials = 0;
    for new in &created {
        let meta = RequestMeta::new("GET", "/v1/items").with_user_agent(b"test");
        match keys.verify(new.secret.expose().as_bytes(), meta).await {
            Ok(admission) => admission.finish(200).await.unwrap(),
            Err(denial) => {
                denials += 1;
                artifacts.leave("denials.txt", &format!("{denial:?}"));
            }
        }
    }
    assert_eq!(denials, 2, "the inactive and the deleted key");
    keys.flush().await.unwrap();

    let entries = manage.audit(AuditQuery::new(org.clone(), 1_000)).await.unwrap().items;
    assert!(entries.len() >= 22, "{}", entries.len());
    artifacts.leave("audit-log.txt", &format!("{entries:?}"));
    artifacts.keep_copy("keys");
    keys.shutdown().await.unwrap();
    store.close().await.unwrap();
}
