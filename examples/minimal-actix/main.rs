//! A complete service whose callers need an API key. Keys are in a SQLite file.

#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use actix_web::{App, HttpServer, web};
use apikeys_actix::{Actor, ApiKeyMiddleware, ApiKeys, Caller, NewKey, OrgId, PlanName};
use apikeys_sqlx_store::SqliteStore;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = SqliteStore::connect("sqlite:keys.db").await?;
    let (keys, maintenance) = ApiKeys::builder(store.clone()).prefix("acme_live").build().await?;
    apikeys_actix::spawn(maintenance);

    // Your billing sets plans and your settings page creates keys. This service creates its first key.
    let org = OrgId::new("org_1")?;
    keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("starter")?).await?;
    let manager = keys.manage(org, Actor::new("ann")?);
    if manager.list(1, None).await?.items.is_empty() {
        let created = manager.create(NewKey::new("First key")?).await?;
        println!("API_KEY={}", created.secret.expose()); // the only time that the secret is shown
    }

    let middleware = ApiKeyMiddleware::new(keys.clone());
    let hello = async |caller: Caller| format!("hello, {}\n", caller.org());
    let app = move || App::new().service(web::resource("/hello").wrap(middleware.clone()).get(hello));
    let port = std::env::var("PORT").unwrap_or("3000".to_owned());
    let server = HttpServer::new(app).bind(format!("127.0.0.1:{port}"))?;
    for address in server.addrs() {
        println!("curl -H \"Authorization: Bearer $API_KEY\" http://{address}/hello");
    }

    server.run().await?; // until SIGTERM or Ctrl-C
    keys.shutdown().await?;
    store.close().await?;
    Ok(())
}
