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

    // Your billing sets plans and your settings page creates keys. This service creates its first key.
    let org = OrgId::new("org_1")?;
    keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("starter")?).await?;
    let manager = keys.manage(org, Actor::new("ann")?);
    if manager.list(1, None).await?.items.is_empty() {
        let created = manager.create(NewKey::new("First key")?).await?;
        println!("API_KEY={}", created.secret.expose()); // the only time that the secret is shown
    }

    let app = Router::new()
        .route("/hello", get(async |caller: Caller| format!("hello, {}\n", caller.org())))
        .route_layer(ApiKeyLayer::new(keys.clone()));
    let port = std::env::var("PORT").unwrap_or("3000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("curl -H \"Authorization: Bearer $API_KEY\" http://{}/hello", listener.local_addr()?);

    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() }; // the guide has SIGTERM
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    keys.shutdown().await?;
    store.close().await?;
    Ok(())
}
