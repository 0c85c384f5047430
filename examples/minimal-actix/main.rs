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

    let middleware = ApiKeyMiddleware::new(keys.clone());
    let hello = async |caller: Caller| format!("hello, {}\n", caller.org());
    let app = move || App::new().service(web::resource("/hello").wrap(middleware.clone()).get(hello));
    let port = std::env::var("PORT").unwrap_or("3000".to_owned());
    let server = HttpServer::new(app).bind(format!("127.0.0.1:{port}"))?;

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
    for address in server.addrs() {
        println!("curl -H \"Authorization: Bearer {key}\" http://{address}/hello");
    }

    server.run().await?; // until SIGTERM or Ctrl-C
    keys.shutdown().await?;
    store.close().await?;
    Ok(())
}
