//! The quickstart's routes, apart from its process, so that tests and benchmarks use the same.

use apikeys_core::ApiKeys;
use apikeys_tower::{ApiKeyLayer, Caller};
use axum::{
    Json, Router,
    body::Bytes,
    routing::{get, post},
};
use serde::Serialize;

/// The whole service: the API behind the layer, and what is open to everybody.
pub fn router(keys: ApiKeys) -> Router {
    // `route_layer`: a path that does not exist stays a 404, with a key and without.
    api().route_layer(ApiKeyLayer::new(keys)).merge(open())
}

/// The API itself, as it would be without keys. `/v1/whoami` does not work without the layer.
pub fn api() -> Router {
    Router::new().route("/v1/whoami", get(whoami)).route("/v1/echo", post(echo))
}

/// What needs no key.
fn open() -> Router {
    Router::new().route("/healthz", get(async || "ok"))
}

#[derive(Serialize)]
struct Identity {
    org: String,
    key_id: String,
    name: String,
}

async fn whoami(caller: Caller) -> Json<Identity> {
    Json(Identity {
        org: caller.org().to_string(),
        key_id: caller.key_id().to_string(),
        name: caller.key_name().to_string(),
    })
}

async fn echo(body: Bytes) -> Bytes {
    body
}
