//! The routes of the quickstart, which tests and benchmarks also use.

use apikeys_core::ApiKeys;
use apikeys_example_shared::{Demo, Identity};
use apikeys_tower::{ApiKeyLayer, Caller};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{RawQuery, Request, State},
    http::HeaderMap,
    middleware::{Next, from_fn_with_state},
    response::{Redirect, Response},
    routing::{get, post, put},
};

/// The routes of the whole service: the API behind the layer, the settings of administrators, and
/// the public routes.
pub fn router(demo: &Demo) -> Router {
    protected(demo.keys.clone()).merge(settings(demo)).merge(open())
}

/// The routes of the API behind the layer.
pub fn protected(keys: ApiKeys) -> Router {
    // `route_layer` leaves unknown paths a 404 with and without a key.
    api().route_layer(ApiKeyLayer::new(keys))
}

/// The routes of the API without the layer. Without the layer, `/v1/whoami` fails.
pub fn api() -> Router {
    Router::new().route("/v1/whoami", get(whoami)).route("/v1/echo", post(echo))
}

/// The routes that need no key.
fn open() -> Router {
    Router::new().route("/healthz", get(async || "ok"))
}

/// The login, the settings page behind the login, and a stand-in for the billing.
fn settings(demo: &Demo) -> Router {
    let logged_in = from_fn_with_state(demo.clone(), log_in);
    Router::new()
        .nest("/settings/developer", demo.page().into_router().layer(logged_in))
        .route("/settings/developer/", get(async || Redirect::permanent("/settings/developer")))
        .route("/login", get(enter))
        .route("/demo/plan", put(set_plan))
        .with_state(demo.clone())
}

/// Passes the administrator to the settings page and its API. A real service looks up its own session here.
async fn log_in(State(demo): State<Demo>, mut request: Request, next: Next) -> Response {
    if let Some(admin) = demo.login.admin(&*lines(request.headers())) {
        request.extensions_mut().insert(admin);
    }
    next.run(request).await
}

async fn enter(State(demo): State<Demo>, RawQuery(query): RawQuery) -> Response {
    apikeys_tower::response(demo.login.enter(query.as_deref()))
}

async fn set_plan(State(demo): State<Demo>, headers: HeaderMap, body: Bytes) -> Response {
    apikeys_tower::response(demo.set_plan(&*lines(&headers), &body).await)
}

async fn whoami(caller: Caller) -> Json<Identity> {
    Json(Identity::new(caller.org(), caller.key_id(), caller.key_name()))
}

async fn echo(body: Bytes) -> Bytes {
    body
}

/// The headers as lines, which `apikeys_core::http::Headers` is implemented for.
fn lines(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}
