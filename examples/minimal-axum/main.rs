//! A complete service behind API keys that are kept in a SQLite file.

#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use apikeys_sqlx_store::SqliteStore;
use apikeys_tower::{
    ApiKeyLayer, Caller,
    apikeys_core::{Actor, ApiKeys, NewKey, OrgId, PlanName},
};
use axum::{Router, routing::get};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = SqliteStore::connect("sqlite:keys.db").await?;
    let (keys, maintenance) = ApiKeys::builder(store.clone()).prefix("acme_live").build().await?;
    tokio::spawn(maintenance.run());

    // Your billing says who is on which plan; your settings page creates keys. Here a start does.
    let org = OrgId::new("org_1")?;
    keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("enterprise")?).await?;
    let key = keys.manage(org, Actor::new("ann")?).create(NewKey::new("First key")?).await?;

    let app = Router::new()
        .route("/hello", get(async |caller: Caller| format!("hello, {}\n", caller.org())))
        .route_layer(ApiKeyLayer::new(keys.clone()));
    let port = std::env::var("PORT").unwrap_or("3000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let url = format!("http://{}/hello", listener.local_addr()?);
    println!("curl -H 'Authorization: Bearer {}' {url}", key.secret.expose());

    let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() }; // the guide has SIGTERM
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    keys.shutdown().await?;
    store.close().await?;
    Ok(())
}
