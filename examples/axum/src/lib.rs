//! The quickstart's routes, apart from its process, so that tests and benchmarks use the same.

use apikeys_core::ApiKeys;
use apikeys_example_shared::{Answer, Demo, Identity};
use apikeys_tower::{ApiKeyLayer, Caller};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{RawQuery, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};

/// The whole service: the API behind the layer, what administrators use, and what is open to
/// everybody.
pub fn router(demo: &Demo) -> Router {
    protected(demo.keys.clone()).merge(settings(demo)).merge(open())
}

/// The API behind the layer.
pub fn protected(keys: ApiKeys) -> Router {
    // `route_layer`: a path that does not exist stays a 404, with a key and without.
    api().route_layer(ApiKeyLayer::new(keys))
}

/// The API itself, as it would be without keys. `/v1/whoami` does not work without the layer.
pub fn api() -> Router {
    Router::new().route("/v1/whoami", get(whoami)).route("/v1/echo", post(echo))
}

/// What needs no key.
fn open() -> Router {
    Router::new().route("/healthz", get(async || "ok"))
}

/// The login, the management API behind it, and what stands for the billing.
fn settings(demo: &Demo) -> Router {
    let logged_in = from_fn_with_state(demo.clone(), log_in);
    Router::new()
        .nest("/settings/developer", demo.api.clone().into_router().layer(logged_in))
        .route("/login", get(enter))
        .route("/demo/plan", put(set_plan))
        .with_state(demo.clone())
}

/// Tells the management API who is logged in. A real service asks its own sessions here.
async fn log_in(State(demo): State<Demo>, mut request: Request, next: Next) -> Response {
    if let Some(admin) = demo.login.admin(&*lines(request.headers())) {
        request.extensions_mut().insert(admin);
    }
    next.run(request).await
}

async fn enter(State(demo): State<Demo>, RawQuery(query): RawQuery) -> Sent {
    Sent(demo.login.enter(query.as_deref()))
}

async fn set_plan(State(demo): State<Demo>, headers: HeaderMap, body: Bytes) -> Sent {
    Sent(demo.set_plan(&*lines(&headers), &body).await)
}

async fn whoami(caller: Caller) -> Json<Identity> {
    Json(Identity::from(&*caller))
}

async fn echo(body: Bytes) -> Bytes {
    body
}

/// The headers, as the core reads them.
fn lines(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

/// An answer of the demo, as axum sends it.
struct Sent(Answer);

impl IntoResponse for Sent {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.0.body));
        *response.status_mut() =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.0.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
