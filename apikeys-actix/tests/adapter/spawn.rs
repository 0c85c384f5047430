//! Tests of spawning the maintenance.

use apikeys_actix::apikeys_core::{ApiKeys, MemoryStore};

async fn maintenance_runs_until_shutdown() {
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
async fn maintenance_is_spawned_on_the_actix_runtime() {
    maintenance_runs_until_shutdown().await;
}

#[tokio::test]
async fn maintenance_is_spawned_on_a_tokio_runtime() {
    maintenance_runs_until_shutdown().await;
}
