//! A complete service behind API keys that are kept in a SQLite file.

#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use actix_web::{App, HttpServer, web};
use apikeys_actix::{
    ApiKeyMiddleware, Caller,
    apikeys_core::{Actor, ApiKeys, NewKey, OrgId, PlanName},
};
use apikeys_sqlx_store::SqliteStore;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = SqliteStore::connect("sqlite:keys.db").await?;
    let (keys, maintenance) = ApiKeys::builder(store.clone()).prefix("acme_live").build().await?;
    apikeys_actix::spawn(maintenance);

    // Your billing says who is on which plan; your settings page creates keys. Here a start does.
    let org = OrgId::new("org_1")?;
    keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("enterprise")?).await?;
    let key = keys.manage(org, Actor::new("ann")?).create(NewKey::new("First key")?).await?;

    let middleware = ApiKeyMiddleware::new(keys.clone());
    let hello = async |caller: Caller| format!("hello, {}\n", caller.org());
    let app = move || App::new().service(web::resource("/hello").wrap(middleware.clone()).get(hello));
    let port = std::env::var("PORT").unwrap_or("3000".to_owned());
    let server = HttpServer::new(app).bind(format!("127.0.0.1:{port}"))?;
    for address in server.addrs() {
        println!("curl -H 'Authorization: Bearer {}' http://{address}/hello", key.secret.expose());
    }

    server.run().await?; // until SIGTERM or Ctrl-C
    keys.shutdown().await?;
    store.close().await?;
    Ok(())
}
