//! A page of a service, with its own style and content security policy, that contains `<apikeys-settings>`.
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use apikeys_admin::apikeys_core::{Actor, ApiKeys, OrgId, PlanName};
use apikeys_admin::{Admin, AdminApi, SettingsPage};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::{Extension, Router, response::Html, routing::get};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const STYLE: &str = "body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; font: 1rem Georgia, serif }
button { background: crimson; font-size: 3rem } /* does not apply inside the element */
apikeys-settings { --apikeys-accent: #6d28d9; --apikeys-link: #6d28d9; --apikeys-radius: 0 }";
const PAGE: &str = r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Account</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/account.css">
<script type="module" src="/account/keys/apikeys-settings.js"></script></head>
<body><main><h1>Account</h1><apikeys-settings></apikeys-settings></main></body></html>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (keys, org) = (ApiKeys::in_memory(), OrgId::new("org_1")?);
    keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("starter")?).await?;
    // A login of your service inserts the administrator. In this example, everyone is `ann`.
    let login = Extension(Admin::new(org, Actor::new("ann")?));
    let app = Router::new()
        .route("/", get(async || ([(CONTENT_SECURITY_POLICY, POLICY)], Html(PAGE))))
        .route("/account.css", get(async || ([(CONTENT_TYPE, "text/css")], STYLE)))
        .nest("/account/keys", SettingsPage::new(AdminApi::new(keys)).into_router().layer(login));
    let port = std::env::var("PORT").unwrap_or("3000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
