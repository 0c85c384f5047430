//! The management API in an axum router.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::convert::Infallible;

use apikeys_admin::{Admin, AdminApi};
use apikeys_core::{Actor, ApiKeys, OrgId, PlanName};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{Method, StatusCode, header},
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use serde_json::{Value, json};
use tower::ServiceExt;

/// The login of the service, which takes the organization from a header.
async fn login(mut request: Request, next: Next) -> Response {
    if let Some(org) = request.headers().get("x-login").and_then(|value| value.to_str().ok()) {
        let admin = Admin::new(OrgId::new(org).unwrap(), Actor::new("ann").unwrap());
        request.extensions_mut().insert(admin);
    }
    next.run(request).await
}

async fn app() -> Router {
    let keys = ApiKeys::in_memory();
    let plan = PlanName::new("starter").unwrap();
    let operator = keys.operator(Actor::new("billing").unwrap());
    operator.set_plan(&OrgId::new("org").unwrap(), &plan).await.unwrap();
    let settings = AdminApi::new(keys).into_router().route("/", get(|| async { "the page" }));
    Router::new()
        .nest("/settings/developer", settings.layer(from_fn(login)))
        .fallback(|| async { (StatusCode::NOT_FOUND, "not found") })
}

fn request(method: Method, path: &str, body: impl Into<Body>) -> Request {
    Request::builder()
        .method(method)
        .uri(format!("/settings/developer{path}"))
        .header("x-login", "org")
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.into())
        .unwrap()
}

async fn send(app: &Router, request: Request) -> (StatusCode, Response, Value) {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    (parts.status, Response::from_parts(parts, Body::empty()), json)
}

#[tokio::test]
async fn key_is_created_changed_and_deleted_below_the_nest() {
    let app = app().await;
    let (status, response, created) = send(&app, request(Method::POST, "/api/keys", r#"{"name":"a"}"#)).await;
    assert_eq!(status, StatusCode::CREATED);
    let location = response.headers()[header::LOCATION].to_str().unwrap().to_owned();
    assert_eq!(location, format!("/settings/developer/api/keys/{}", created["key"]["id"].as_str().unwrap()));
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let key = location.strip_prefix("/settings/developer").unwrap();
    assert_eq!(send(&app, request(Method::GET, key, "")).await.2, created["key"]);
    let (_, _, patched) = send(&app, request(Method::PATCH, key, r#"{"active":false}"#)).await;
    assert_eq!(patched["status"], "deactivated");
    let (_, _, listed) = send(&app, request(Method::GET, "/api/keys?limit=1", "")).await;
    assert_eq!((&listed["keys"][0], &listed["quota"]), (&patched, &json!({ "used": 1, "limit": 2 })));
    let (status, _, usage) = send(&app, request(Method::GET, &format!("{key}/usage?step=day"), "")).await;
    assert_eq!((status, usage), (StatusCode::OK, json!({ "points": [] })));
    assert_eq!(send(&app, request(Method::DELETE, key, "")).await.0, StatusCode::NO_CONTENT);
    assert_eq!(send(&app, request(Method::DELETE, key, "")).await.2["code"], "KEY_NOT_FOUND");
    let (_, _, log) = send(&app, request(Method::GET, "/api/audit?action=key.deleted", "")).await;
    assert_eq!(log["events"][0]["actor"], "ann");
    let (_, _, document) = send(&app, request(Method::GET, "/api/openapi.json", "")).await;
    assert_eq!(document["servers"][0]["url"], "/settings/developer");
}

#[tokio::test]
async fn request_without_login_is_refused() {
    let app = app().await;
    let mut stranger = request(Method::GET, "/api/keys", "");
    stranger.headers_mut().remove("x-login");
    let (status, _, problem) = send(&app, stranger).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNAUTHORIZED, &json!("ADMIN_REQUIRED")));
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let app = app().await;
    let whole = app.clone().oneshot(request(Method::GET, "/api/keys", "")).await.unwrap();
    let len = to_bytes(whole.into_body(), usize::MAX).await.unwrap().len();
    let head = app.clone().oneshot(request(Method::HEAD, "/api/keys", "")).await.unwrap();
    assert_eq!(head.headers()[header::CONTENT_LENGTH].to_str().unwrap(), len.to_string());
    assert!(to_bytes(head.into_body(), usize::MAX).await.unwrap().is_empty());
}

#[tokio::test]
async fn other_spellings_of_a_path_are_not_found() {
    let app = app().await;
    for odd in [
        "/api",
        "/api/",
        "//api/keys",
        "/api//keys",
        "/api/keys/",
        "/api/%6beys",
        "/api/KEYS",
        "/api/../api/keys",
    ] {
        let (status, _, json) = send(&app, request(Method::GET, odd, "")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{odd}");
        assert!(json.is_null() || json["code"] == "NOT_FOUND", "{odd}: {json}");
    }
    let (status, response, _) = send(&app, request(Method::PUT, "/api/keys", "{}")).await;
    assert_eq!(
        (status, &response.headers()["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"POST, GET, HEAD".parse().unwrap())
    );
}

/// A body that fails the test when it is read.
fn untouchable() -> Body {
    let never = std::future::poll_fn::<Result<Bytes, Infallible>, _>(|_| panic!("the body was read"));
    Body::from_stream(OnceStream(Some(Box::pin(never))))
}

type NextBytes = std::pin::Pin<Box<dyn Future<Output = Result<Bytes, Infallible>> + Send>>;

struct OnceStream(Option<NextBytes>);

impl futures_core::Stream for OnceStream {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        match &mut self.0 {
            None => std::task::Poll::Ready(None),
            Some(next) => next.as_mut().poll(cx).map(Some),
        }
    }
}

#[tokio::test]
async fn body_declared_longer_than_8_mib_is_not_read() {
    let app = app().await;
    for (method, login, status) in [
        (Method::POST, true, StatusCode::PAYLOAD_TOO_LARGE),
        (Method::POST, false, StatusCode::UNAUTHORIZED),
        (Method::GET, true, StatusCode::OK),
    ] {
        let mut long = request(method.clone(), "/api/keys", untouchable());
        long.headers_mut().insert(header::CONTENT_LENGTH, (8 * 1024 * 1024 + 1).into());
        if !login {
            long.headers_mut().remove("x-login");
        }
        let (answered, response, _) = send(&app, long).await;
        assert_eq!(
            (answered, &response.headers()[header::CONNECTION]),
            (status, &"close".parse().unwrap()),
            "{method}"
        );
    }
}

#[tokio::test]
async fn body_longer_than_16_kib_is_too_large() {
    let app = app().await;
    let (_, response, problem) = send(&app, request(Method::POST, "/api/keys", " ".repeat(16_385))).await;
    assert_eq!((&problem["code"], response.headers().get("connection")), (&json!("BODY_TOO_LARGE"), None));
}

#[tokio::test]
async fn http_2_authority_is_the_host() {
    let app = app().await;
    let from = |origin: &'static str| {
        Request::builder()
            .method(Method::POST)
            .uri("https://keys.example.com/settings/developer/api/keys")
            .header("x-login", "org")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ORIGIN, origin)
            .body(Body::from(r#"{"name":"a"}"#))
            .unwrap()
    };
    assert_eq!(send(&app, from("https://keys.example.com")).await.0, StatusCode::CREATED);
    assert_eq!(send(&app, from("https://evil.example")).await.2["code"], "CROSS_SITE_REQUEST");
}

#[tokio::test]
async fn other_pages_of_the_service_are_served() {
    let app = app().await;
    assert_eq!(send(&app, request(Method::GET, "", "")).await.0, StatusCode::OK);
    assert_eq!(send(&app, request(Method::GET, "/other", "")).await.0, StatusCode::NOT_FOUND);
}
