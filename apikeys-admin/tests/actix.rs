//! The management API in a scope of actix-web.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    App, Error, HttpMessage, HttpResponse,
    body::{BoxBody, MessageBody, to_bytes},
    dev::{Payload, Service, ServiceRequest, ServiceResponse},
    error::PayloadError,
    http::{Method, StatusCode, header},
    middleware::{Next, from_fn},
    test::{TestRequest, init_service},
    web::{self, Bytes},
};
use apikeys_admin::{Admin, AdminApi};
use apikeys_core::{Actor, ApiKeys, OrgId, PlanName};
use serde_json::{Value, json};

/// The login of the service, which takes the organization from a header.
async fn login<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, Error> {
    if let Some(org) = request.headers().get("x-login").and_then(|value| value.to_str().ok()) {
        let admin = Admin::new(OrgId::new(org).unwrap(), Actor::new("ann").unwrap());
        request.extensions_mut().insert(admin);
    }
    next.call(request).await
}

/// A service with the API and other pages.
async fn app() -> impl Service<actix_http::Request, Response = ServiceResponse<BoxBody>, Error = Error> {
    let keys = ApiKeys::in_memory();
    let plan = PlanName::new("starter").unwrap();
    let operator = keys.operator(Actor::new("billing").unwrap());
    operator.set_plan(&OrgId::new("org").unwrap(), &plan).await.unwrap();
    let settings = web::scope("/settings/developer")
        .wrap(from_fn(login))
        .service(AdminApi::new(keys).into_scope())
        .route("", web::get().to(async || "the page"));
    let app = App::new().service(settings);
    init_service(app.default_service(web::to(async || HttpResponse::NotFound().body("not found")))).await
}

fn request(method: Method, path: &str) -> TestRequest {
    TestRequest::with_uri(&format!("/settings/developer{path}"))
        .method(method)
        .insert_header(("x-login", "org"))
        .insert_header((header::CONTENT_TYPE, "application/json"))
}

/// The status, a function that returns a header, and the body as JSON.
type Reply = (StatusCode, Box<dyn Fn(&str) -> String>, Value);

async fn send(
    app: &impl Service<actix_http::Request, Response = ServiceResponse<BoxBody>, Error = Error>,
    request: actix_http::Request,
) -> Reply {
    let response = app.call(request).await.unwrap().into_parts().1;
    let (head, body) = response.into_parts();
    let headers = head.headers().clone();
    let header = move |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let json = serde_json::from_slice(&to_bytes(body).await.unwrap()).unwrap_or(Value::Null);
    (head.status(), Box::new(header), json)
}

#[actix_web::test]
async fn key_is_created_changed_and_deleted_below_the_scope() {
    let app = app().await;
    let create = request(Method::POST, "/api/keys").set_payload(r#"{"name":"a"}"#);
    let (status, header, created) = send(&app, create.to_request()).await;
    assert_eq!(status, StatusCode::CREATED);
    let location = header("location");
    assert_eq!(location, format!("/settings/developer/api/keys/{}", created["key"]["id"].as_str().unwrap()));
    assert_eq!(header("cache-control"), "no-store");
    let key = location.strip_prefix("/settings/developer").unwrap();
    assert_eq!(send(&app, request(Method::GET, key).to_request()).await.2, created["key"]);
    let patch = request(Method::PATCH, key).set_payload(r#"{"active":false}"#);
    let (_, _, patched) = send(&app, patch.to_request()).await;
    assert_eq!(patched["status"], "deactivated");
    let (_, _, listed) = send(&app, request(Method::GET, "/api/keys?limit=1").to_request()).await;
    assert_eq!((&listed["keys"][0], &listed["quota"]), (&patched, &json!({ "used": 1, "limit": 2 })));
    let usage = request(Method::GET, &format!("{key}/usage?step=day"));
    let (status, _, usage) = send(&app, usage.to_request()).await;
    assert_eq!((status, usage), (StatusCode::OK, json!({ "points": [] })));
    assert_eq!(send(&app, request(Method::DELETE, key).to_request()).await.0, StatusCode::NO_CONTENT);
    let again = send(&app, request(Method::DELETE, key).to_request()).await;
    assert_eq!(again.2["code"], "KEY_NOT_FOUND");
    let log = request(Method::GET, "/api/audit?action=key.deleted").to_request();
    assert_eq!(send(&app, log).await.2["events"][0]["actor"], "ann");
    let (_, _, document) = send(&app, request(Method::GET, "/api/openapi.json").to_request()).await;
    assert_eq!(document["servers"][0]["url"], "/settings/developer");
}

#[actix_web::test]
async fn request_without_login_is_refused() {
    let stranger = TestRequest::with_uri("/settings/developer/api/keys");
    let (status, _, problem) = send(&app().await, stranger.to_request()).await;
    assert_eq!((status, &problem["code"]), (StatusCode::UNAUTHORIZED, &json!("ADMIN_REQUIRED")));
}

#[actix_web::test]
async fn other_spellings_of_a_path_are_not_found() {
    let app = app().await;
    for odd in [
        "/api",
        "/api/",
        "//api/keys",
        "/api//keys",
        "/api/keys/",
        "/api/%6beys",
        "/%61pi/keys",
        "/api/KEYS",
        "/api/../api/keys",
        "/api%2fkeys",
        "/apix",
    ] {
        let (status, _, json) = send(&app, request(Method::GET, odd).to_request()).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{odd}");
        assert!(json.is_null() || json["code"] == "NOT_FOUND", "{odd}: {json}");
    }
    let (status, header, _) = send(&app, request(Method::PUT, "/api/keys").to_request()).await;
    assert_eq!((status, &*header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST, GET, HEAD"));
}

#[actix_web::test]
async fn mount_is_reported_in_the_spelling_of_the_client() {
    let app = app().await;
    for (mount, found) in
        [("/settings/developer", true), ("/settings/develope%72", true), ("/Settings/developer", false)]
    {
        let create = TestRequest::with_uri(&format!("{mount}/api/openapi.json?"));
        let create = create.insert_header(("x-login", "org")).to_request();
        let (status, _, document) = send(&app, create).await;
        assert_eq!(status == StatusCode::OK, found, "{mount}");
        assert_eq!(document["servers"][0]["url"] == mount, found, "{document}");
    }
}

/// A body that fails the test when it is read.
struct Untouchable;

impl futures_core::Stream for Untouchable {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        panic!("the body was read");
    }
}

fn with_untouchable_body(request: TestRequest) -> actix_http::Request {
    let mut request = request.to_request();
    *request.payload() = Payload::Stream { payload: Box::pin(Untouchable) };
    request
}

#[actix_web::test]
async fn body_declared_longer_than_8_mib_is_not_read() {
    let app = app().await;
    for (method, login, status) in [
        (Method::POST, true, StatusCode::PAYLOAD_TOO_LARGE),
        (Method::POST, false, StatusCode::UNAUTHORIZED),
        (Method::GET, true, StatusCode::OK),
    ] {
        let mut long = TestRequest::with_uri("/settings/developer/api/keys")
            .method(method.clone())
            .insert_header((header::CONTENT_TYPE, "application/json"))
            .insert_header((header::CONTENT_LENGTH, 8 * 1024 * 1024 + 1));
        if login {
            long = long.insert_header(("x-login", "org"));
        }
        assert_eq!(send(&app, with_untouchable_body(long)).await.0, status, "{method}");
    }
}

#[actix_web::test]
async fn body_longer_than_16_kib_is_too_large() {
    let long = request(Method::POST, "/api/keys").set_payload(" ".repeat(16_385));
    assert_eq!(send(&app().await, long.to_request()).await.2["code"], "BODY_TOO_LARGE");
}

#[actix_web::test]
async fn http_2_authority_is_the_host() {
    let app = app().await;
    let from = |origin: &'static str| {
        TestRequest::with_uri("https://keys.example.com/settings/developer/api/keys")
            .method(Method::POST)
            .insert_header(("x-login", "org"))
            .insert_header((header::CONTENT_TYPE, "application/json"))
            .insert_header((header::ORIGIN, origin))
            .set_payload(r#"{"name":"a"}"#)
            .to_request()
    };
    assert_eq!(send(&app, from("https://keys.example.com")).await.0, StatusCode::CREATED);
    assert_eq!(send(&app, from("https://evil.example")).await.2["code"], "CROSS_SITE_REQUEST");
}

#[actix_web::test]
async fn other_pages_of_the_service_are_served() {
    let app = app().await;
    assert_eq!(send(&app, request(Method::GET, "").to_request()).await.0, StatusCode::OK);
    assert_eq!(send(&app, request(Method::GET, "/other").to_request()).await.0, StatusCode::NOT_FOUND);
}
