//! A complete service whose callers need an API key. Keys are in a SQLite file.

#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use apikeys_sqlx_store::SqliteStore;
use apikeys_tower::{Actor, ApiKeyLayer, ApiKeys, Caller, NewKey, OrgId, PlanName};
use axum::{Router, routing::get};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = SqliteStore::connect("sqlite:keys.db").await?;
    let (keys, maintenance) = ApiKeys::builder(store.clone()).prefix("acme_live").build().await?;
    tokio::spawn(maintenance.run());

    let app = Router::new()
        .route("/hello", get(async |caller: Caller| format!("hello, {}\n", caller.org())))
        .route_layer(ApiKeyLayer::new(keys.clone()));
    let port = std::env::var("PORT").unwrap_or("3000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;

    // Your billing sets plans and your settings page creates keys. This service creates its first key.
    let org = OrgId::new("org_1")?;
    keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("starter")?).await?;
    let manager = keys.manage(&org, Actor::new("ann")?);
    let key = if manager.list(1, None).await?.items.is_empty() {
        manager.create(NewKey::new("First key")?).await?.secret.expose().to_owned()
    } else {
        println!("The key was printed at the first start. To use it: export API_KEY=acme_live_…");
        "$API_KEY".to_owned() // a secret can be shown only when its key is created
    };
    println!("curl -H \"Authorization: Bearer {key}\" http://{}/hello", listener.local_addr()?);

    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() }; // the guide has SIGTERM
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    keys.shutdown().await?;
    store.close().await?;
    Ok(())
}
