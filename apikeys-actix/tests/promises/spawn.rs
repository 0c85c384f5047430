//! The maintenance, beside a server.

use apikeys_actix::apikeys_core::{ApiKeys, MemoryStore};

async fn the_maintenance_runs_until_the_shutdown() {
    let (keys, maintenance) = ApiKeys::builder(MemoryStore::new()).build().await.unwrap();
    assert!(!keys.health().maintained);
    let running = apikeys_actix::spawn(maintenance);
    while !keys.health().maintained {
        tokio::task::yield_now().await;
    }
    keys.shutdown().await.unwrap();
    running.await.unwrap();
    assert!(!keys.health().maintained);
}

#[actix_web::test]
async fn it_is_spawned_on_actixs_runtime() {
    the_maintenance_runs_until_the_shutdown().await;
}

#[tokio::test]
async fn it_is_spawned_on_plain_tokio() {
    the_maintenance_runs_until_the_shutdown().await;
}
