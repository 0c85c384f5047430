//! Creating and updating the tables.

use apikeys_test_servers::TestDatabase;

use crate::{
    database::{Opened, Server},
    on_each_server,
    values::{create, org},
};

on_each_server!(
    migrate_again_changes_nothing,
    migrate_by_eight_starters_at_once_creates_the_tables_once,
    migrate_beside_migrations_of_the_service_leaves_both_complete,
    migrate_after_a_newer_version_succeeds,
);

async fn migrate_again_changes_nothing<S: Server>() {
    let mut opened = Opened::<S>::new().await;
    create(&opened.store, &org("acme")).await;
    let before = S::everything(&mut opened.beside).await;
    let again = S::connect(&opened.database.url()).await.unwrap();
    assert_eq!(S::everything(&mut opened.beside).await, before);
    create(&again, &org("acme")).await;
}

async fn migrate_by_eight_starters_at_once_creates_the_tables_once<S: Server>() {
    for _ in 0..5 {
        let database = TestDatabase::<S::Driver>::create().await;
        let starters: Vec<_> = (0..8)
            .map(|number| {
                let url = database.url();
                tokio::spawn(async move {
                    let store = S::connect(&url).await.unwrap();
                    create(&store, &org(&format!("org_{number}"))).await;
                })
            })
            .collect();
        for starter in starters {
            starter.await.unwrap();
        }
        let mut beside = S::beside(&database.url()).await;
        let migrations = "SELECT count(*) FROM apikeys_migrations WHERE success";
        assert!(S::number(&mut beside, migrations).await >= 1);
        assert_eq!(S::number(&mut beside, "SELECT count(*) FROM apikeys_keys").await, 8);
    }
}

/// The service and the store start at the same time.
async fn migrate_beside_migrations_of_the_service_leaves_both_complete<S: Server>() {
    let database = TestDatabase::<S::Driver>::create().await;
    let url = database.url();
    let (store, ()) = tokio::join!(S::connect(&url), S::migrate_service(&url));
    let mut beside = S::beside(&url).await;
    assert_eq!(S::number(&mut beside, "SELECT count(*) FROM _sqlx_migrations").await, 1);
    assert_eq!(S::number(&mut beside, "SELECT count(*) FROM invoices").await, 0);
    create(&store.unwrap(), &org("acme")).await;
    S::migrate_service(&url).await;
}

async fn migrate_after_a_newer_version_succeeds<S: Server>() {
    let mut opened = Opened::<S>::new().await;
    let newer = "INSERT INTO apikeys_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'newer', true, '', 1)";
    S::run(&mut opened.beside, newer).await;
    let store = S::connect(&opened.database.url()).await.unwrap();
    create(&store, &org("acme")).await;
}
