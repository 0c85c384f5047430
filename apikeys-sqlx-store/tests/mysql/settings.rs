//! The store's connections have their own settings, and change none of the service's or the server's.

use apikeys_sqlx_store::{
    MySqlStore,
    apikeys_core::{
        KeyName,
        store::{KeyQuery, KeyStore, StoreErrorKind},
        token::{Locator, Scheme},
    },
};
use apikeys_test_servers::{Engine, MySql, PrivateServer};
use sqlx::{
    Connection, Executor, MySqlConnection, Row,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};

use super::common::{create, creation, deletion, done, org, row, secret};

/// Without the store's settings, a server with these would cut long values, and would show an old state of the
/// database to verifications.
const OTHER: &str =
    "SET GLOBAL sql_mode = 'ANSI', autocommit = 0, sql_safe_updates = 1, sql_select_limit = 1;
     SET GLOBAL TRANSACTION ISOLATION LEVEL REPEATABLE READ";

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn store_on_a_server_with_other_settings_keeps_its_promises() {
    let server = tokio::task::spawn_blocking(|| PrivateServer::start(Engine::MySql)).await.unwrap();
    let mut admin = MySqlConnection::connect(&server.url()).await.unwrap();
    admin.execute(OTHER).await.unwrap();
    let store = MySqlStore::connect(&server.url()).await.unwrap();
    let other = MySqlStore::connect(&server.url()).await.unwrap();
    let (key, known) = create(&store, &org("acme")).await;
    let (second, _) = create(&store, &key.org).await;
    let find = || other.find(std::slice::from_ref(&known.locator));
    assert!(find().await.unwrap().is_some());
    done(&store, &deletion(&key)).await;
    assert!(find().await.unwrap().is_none(), "the verification read an old state");
    assert_eq!(other.keys(&KeyQuery::new(None, 10)).await.unwrap().items[0].row, second);
    create(&store, &key.org).await;
    assert_eq!(other.keys(&KeyQuery::new(None, 10)).await.unwrap().items.len(), 2);

    let expected = store.org(&key.org).await.unwrap().map(|row| row.stored_plan());
    let third = row(&key.org);
    let mut too_long = secret(third.id);
    too_long.locator = Locator::new(Scheme::Sha256, vec![7; 1_025]);
    let error = store.commit(&creation(&third, &too_long, expected)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Rejected);
    assert!(store.key(&third.org, third.id).await.unwrap().is_none());
    assert_eq!(store.org(&key.org).await.unwrap().unwrap().key_count, 2);
}

#[tokio::test]
#[ignore = "needs a server: run cargo xtask test"]
async fn pool_of_the_service_keeps_its_settings_and_names_are_stored_unchanged() {
    let database = MySql::database().await;
    // On a connection with this character set, the server would store other characters than those of the name.
    let options: MySqlConnectOptions = database.url().parse().unwrap();
    let pool = MySqlPoolOptions::new()
        .max_connections(1)
        .after_connect(|connection, _| {
            Box::pin(async move { connection.execute("SET sql_mode = 'ANSI'").await.map(drop) })
        })
        .connect_with(options.charset("latin1").pipes_as_concat(false))
        .await
        .unwrap();
    let settings = "SELECT CAST(concat_ws(' ', @@sql_mode, @@autocommit, @@innodb_lock_wait_timeout,
        @@character_set_client) AS CHAR)";
    let before: String = sqlx::query(settings).fetch_one(&pool).await.unwrap().get(0);
    assert!(before.contains("ANSI") && before.contains("latin1"), "{before}");
    let store = MySqlStore::new(pool.clone());
    store.migrate().await.unwrap();
    let mut named = row(&org("acmé-組"));
    named.name = KeyName::new("ключ 🔑").unwrap();
    done(&store, &creation(&named, &secret(named.id), None)).await;
    let other = MySqlStore::connect(&database.url()).await.unwrap();
    for store in [store, other] {
        assert_eq!(store.key(&named.org, named.id).await.unwrap().unwrap().row, named);
    }
    let after: String = sqlx::query(settings).fetch_one(&pool).await.unwrap().get(0);
    assert_eq!(after, before);
}
