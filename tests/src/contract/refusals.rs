//! The requests that the management API rejects, and the order of its checks.

use serde_json::json;

use super::{Org, Service};
use crate::{
    Request,
    contract::{org::assert_problem, tenants::UNKNOWN},
};

/// Returns the method and path of every endpoint. Endpoints of one key have the path of an existing key.
pub(crate) fn every_call(org: Org<'_>, id: &str) -> Vec<Request> {
    let key = format!("/keys/{id}");
    vec![
        org.request("POST", "/keys").json(&json!({ "name": "a" })),
        org.request("GET", "/keys"),
        org.request("GET", &key),
        org.request("PATCH", &key).json(&json!({ "name": "a" })),
        org.request("GET", "/audit"),
        org.request("GET", &format!("{key}/usage")),
        org.request("GET", "/openapi.json"),
        org.request("DELETE", &key),
    ]
}

/// The requests have no login, or an API key instead of a login or together with a login.
pub async fn requests_without_login_or_with_an_api_key_are_rejected(service: &Service) {
    let org = service.org("org_enterprise");
    let key = org.create(json!({ "name": "kept" })).await;
    for call in every_call(org, &key.id) {
        for refused in [
            call.clone().without("X-Demo-Admin"),
            call.clone().without("X-Demo-Admin").bearer(&key.secret),
            call.clone().without("X-Demo-Org"),
            call.clone().without("X-Demo-Admin").line("X-Demo-Admin", "wrong"),
            call.clone().bearer(&key.secret),
            call.clone().line("X-API-Key", &key.secret),
        ] {
            assert_problem(&service.send(&refused).await, 401, "ADMIN_REQUIRED");
        }
    }
    assert_eq!(org.key(&key.id).await, key.key, "nothing happened");
}

pub async fn unknown_paths_and_methods_are_refused(service: &Service) {
    let org = service.org("org_enterprise");
    let key = org.create(json!({ "name": "kept" })).await;
    let path = format!("/keys/{}", key.id);
    for odd in ["/keys/", "/key", "/%6beys", "//keys", "/keys//usage", &format!("{path}/usage/x")] {
        assert_problem(&org.call("GET", odd).await, 404, "NOT_FOUND");
    }
    for (method, path, allow) in [
        ("PUT", "/keys", "POST, GET, HEAD"),
        ("DELETE", "/keys", "POST, GET, HEAD"),
        ("OPTIONS", "/keys", "POST, GET, HEAD"),
        ("POST", &*path, "GET, HEAD, PATCH, DELETE"),
        ("POST", "/audit", "GET, HEAD"),
        ("PATCH", "/openapi.json", "GET, HEAD"),
    ] {
        let response = org.call(method, path).await;
        assert_problem(&response, 405, "METHOD_NOT_ALLOWED");
        assert_eq!(response.header("allow"), Some(allow), "{method} {path}");
    }
    for read in ["/keys", "/audit", "/openapi.json", &path] {
        let (head, get) = (org.call("HEAD", read).await, org.call("GET", read).await);
        assert_eq!((head.status, head.header("content-type")), (200, get.header("content-type")));
    }
}

pub async fn body_must_be_json_of_at_most_16_kib(service: &Service) {
    let org = service.org("org_enterprise");
    let post = |media_type: &str| org.request("POST", "/keys").line("Content-Type", media_type);
    let padded = |len: usize| format!("{:<len$}", r#"{"name":"a"}"#);
    let fits = post("application/json").body(padded(16 * 1024));
    assert_eq!(service.send(&fits).await.status, 201);
    let too_long = post("application/json").body(padded(16 * 1024 + 1));
    assert_problem(&service.send(&too_long).await, 413, "BODY_TOO_LARGE");
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/json, text/plain", ""]
    {
        let response = service.send(&post(media_type).body(r#"{"name":"a"}"#)).await;
        assert_problem(&response, 415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let packed = post("application/json").line("Content-Encoding", "gzip").body(r#"{"name":"a"}"#);
    assert_problem(&service.send(&packed).await, 415, "UNSUPPORTED_MEDIA_TYPE");
    for bad in [&b""[..], b"{", b"{} {}", b"\xff", b"{\"name\":\"\\ud800\"}"] {
        let response = service.send(&post("application/json").body(bad)).await;
        assert_problem(&response, 400, "MALFORMED_JSON");
    }
    let typed = post("Application/JSON; charset=utf-8").body(r#"{"name":"a"}"#);
    assert_eq!(service.send(&typed).await.status, 201);
}

/// The first request breaks every rule. Each further request corrects one mistake.
pub async fn refusal_for_several_mistakes_names_the_first_in_order(service: &Service) {
    let org = service.org("org_starter");
    let key = org.create(json!({ "name": "one" })).await;
    org.set_plan("free").await;
    let long = " ".repeat(20_000);
    let (of_none, of_key) = (format!("/keys/{UNKNOWN}"), format!("/keys/{}", key.id));
    for (method, wrong, right) in [("POST", "/keys", "/keys"), ("PATCH", &*of_none, &*of_key)] {
        let call = |path: &str, query: &str| org.request(method, &format!("{path}{query}"));
        let typed = |path: &str, query: &str| call(path, query).line("Content-Type", "application/json");
        let cross = |request: Request| request.line("Sec-Fetch-Site", "cross-site");
        let mut mistakes = vec![
            (cross(call(wrong, "?x=1")).without("X-Demo-Admin").body(&*long), 401, "ADMIN_REQUIRED"),
            (cross(call(wrong, "?x=1")).body(&*long), 403, "CROSS_SITE_REQUEST"),
        ];
        if wrong != right {
            mistakes.push((call(wrong, "?x=1").body(&*long), 404, "KEY_NOT_FOUND"));
        }
        mistakes.extend([
            (call(right, "?x=1").body(&*long), 413, "BODY_TOO_LARGE"),
            (call(right, "?x=1").body("{"), 415, "UNSUPPORTED_MEDIA_TYPE"),
            (typed(right, "?x=1").body("{"), 400, "INVALID_QUERY"),
            (typed(right, "").body("{"), 400, "MALFORMED_JSON"),
            (typed(right, "").body(r#"{"name":7}"#), 422, "VALIDATION_FAILED"),
        ]);
        for (request, status, code) in mistakes {
            assert_problem(&service.send(&request).await, status, code);
        }
    }
    let create = org.request("POST", "/keys").json(&json!({ "name": "two" }));
    assert_problem(&service.send(&create).await, 403, "API_ACCESS_NOT_AVAILABLE");
    org.set_plan("starter").await;
    assert_eq!(service.send(&create).await.status, 201);
    assert_problem(&service.send(&create).await, 409, "KEY_LIMIT_REACHED");
}
