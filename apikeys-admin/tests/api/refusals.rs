use apikeys_core::http::{ManageErrorCode, Wording};
use serde_json::json;

use crate::support::{Ask, Bench, ask, delete, get, patch, path, post, problem};

/// Requests to all endpoints. `key` is the path of a key.
fn every_endpoint(key: &str) -> Vec<Ask> {
    vec![
        post("/api/keys").body(r#"{"name":"a"}"#),
        get("/api/keys"),
        get(key),
        patch(key).body("{}"),
        get("/api/audit"),
        get(&format!("{key}/usage")),
        get("/api/openapi.json"),
        delete(key),
    ]
}

#[tokio::test]
async fn request_without_login_or_with_an_api_key_is_refused_on_every_endpoint() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    let secret = created["secret"].as_str().unwrap();
    for request in every_endpoint(&path(&created)) {
        let bearer = format!("Bearer {secret}");
        for refused in [
            request.clone().without_login(),
            request.clone().without_login().header("authorization", bearer.clone()),
            request.clone().header("authorization", bearer.clone()),
            request.clone().header("authorization", bearer.replace("Bearer", "bearer")),
            request.clone().header("x-api-key", secret),
        ] {
            let reply = bench.send(refused.clone()).await;
            assert_eq!(reply.problem(), problem(401, "ADMIN_REQUIRED"), "{refused:?}");
        }
    }
    for path in ["/api/nothing", "/api/keys/"] {
        assert_eq!(bench.send(get(path).without_login()).await.problem(), problem(401, "ADMIN_REQUIRED"));
    }
    assert_eq!(bench.send(ask("OPTIONS", "/api/keys").without_login()).await.status, 401);
    assert_eq!(bench.json(get(&path(&created))).await, created["key"], "the key is unchanged");
}

#[tokio::test]
async fn other_credentials_in_a_request_with_a_login_are_accepted() {
    let bench = Bench::new().await;
    for other in ["Bearer eyJhbGciOiJub25lIn0.e30.", "Basic YWRtaW46cGFzcw==", "Bearer test_key"] {
        assert_eq!(bench.send(get("/api/keys").header("authorization", other)).await.status, 200, "{other}");
    }
}

/// Reads are not checked, because pages of other origins cannot read the response.
#[tokio::test]
async fn changes_from_other_origins_are_refused_and_reads_are_accepted() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    for request in every_endpoint(&path(&created)) {
        let cross = request.clone().header("sec-fetch-site", "cross-site");
        let origin =
            request.clone().header("origin", "https://evil.example").header("host", "keys.example.com");
        for refused in [cross, origin] {
            let reply = bench.send(refused.clone()).await;
            if request.method == "GET" {
                assert_eq!(reply.status, 200, "{refused:?}");
            } else {
                assert_eq!(reply.problem(), problem(403, "CROSS_SITE_REQUEST"), "{refused:?}");
            }
        }
        let own = request.header("origin", "https://keys.example.com").header("host", "keys.example.com");
        assert!(bench.send(own).await.status < 300);
    }
}

#[tokio::test]
async fn changes_from_an_allowed_origin_are_accepted() {
    let mut bench = Bench::new().await;
    let from = |origin: &str| {
        post("/api/keys").body(r#"{"name":"a"}"#).header("origin", origin).header("host", "10.0.0.7:8080")
    };
    assert_eq!(bench.send(from("https://app.example.com")).await.status, 403);
    bench.api =
        bench.api.allow_origin("https://app.example.com").unwrap().allow_origin("http://b.example").unwrap();
    assert_eq!(bench.send(from("https://app.example.com")).await.status, 201);
    assert_eq!(bench.send(from("http://b.example")).await.status, 201);
    assert_eq!(bench.send(from("http://app.example.com")).await.status, 403);
    assert!(bench.api.allow_origin("https://app.example.com/").is_err());
}

/// Browsers send forms and simple requests without a preflight, but never as JSON.
#[tokio::test]
async fn body_of_another_media_type_is_refused() {
    let bench = Bench::new().await;
    for (media_type, status) in [
        ("application/json", 201),
        ("Application/JSON; charset=utf-8", 201),
        ("application/json ;x=y", 201),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/json-patch+json", 415),
        ("application/merge-patch+json", 415),
        ("application/jsonx", 415),
        ("text/plain; application/json", 415),
        ("application/json, text/plain", 415),
        ("", 415),
    ] {
        let mut request = post("/api/keys").header("content-type", media_type);
        request.body = br#"{"name":"a"}"#.to_vec();
        assert_eq!(bench.send(request).await.status, status, "{media_type}");
    }
    let mut untyped = post("/api/keys");
    untyped.body = br#"{"name":"a"}"#.to_vec();
    assert_eq!(bench.send(untyped).await.problem(), problem(415, "UNSUPPORTED_MEDIA_TYPE"));
    let packed = post("/api/keys").body(r#"{"name":"a"}"#).header("content-encoding", "gzip");
    assert_eq!(bench.send(packed).await.problem(), problem(415, "UNSUPPORTED_MEDIA_TYPE"));
    let twice = post("/api/keys").body(r#"{"name":"a"}"#).header("content-type", "text/plain");
    assert_eq!(bench.send(twice).await.problem(), problem(415, "UNSUPPORTED_MEDIA_TYPE"));
}

#[tokio::test]
async fn body_longer_than_16_kib_is_too_large() {
    let bench = Bench::new().await;
    let padded = |len: usize| {
        let head = r#"{"name":"a"}"#;
        format!("{head}{}", " ".repeat(len - head.len()))
    };
    assert_eq!(bench.send(post("/api/keys").body(padded(16 * 1024))).await.status, 201);
    let reply = bench.send(post("/api/keys").body(padded(16 * 1024 + 1))).await;
    assert_eq!(reply.problem(), problem(413, "BODY_TOO_LARGE"));
}

#[tokio::test]
async fn body_that_is_not_json_is_malformed() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    for bad in [&b""[..], b"{", b"{} {}", b"\xff", b"{\"name\":\"\\ud800\"}", b"\xef\xbb\xbf{}"] {
        for request in [post("/api/keys"), patch(&path(&created))] {
            assert_eq!(
                bench.send(request.body(bad)).await.problem(),
                problem(400, "MALFORMED_JSON"),
                "{bad:?}"
            );
        }
    }
}

#[tokio::test]
async fn unknown_path_returns_404_and_unsupported_method_405() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    let key = path(&created);
    for odd in [
        "/api",
        "/api/",
        "/api/keys/",
        "/api/key",
        &format!("{key}/"),
        &format!("{key}/usage/x"),
        "/api/%6beys",
    ] {
        assert_eq!(bench.send(get(odd)).await.problem(), problem(404, "NOT_FOUND"), "{odd}");
    }
    for (method, path, allow) in [
        ("PUT", "/api/keys", "POST, GET, HEAD"),
        ("DELETE", "/api/keys", "POST, GET, HEAD"),
        ("OPTIONS", "/api/keys", "POST, GET, HEAD"),
        ("POST", &*key, "GET, HEAD, PATCH, DELETE"),
        ("PUT", "/api/keys/unknown", "GET, HEAD, PATCH, DELETE"),
        ("POST", "/api/audit", "GET, HEAD"),
        ("TRACE", "/api/openapi.json", "GET, HEAD"),
        ("get", "/api/audit", "GET, HEAD"),
    ] {
        let reply = bench.send(ask(method, path)).await;
        assert_eq!(reply.problem(), problem(405, "METHOD_NOT_ALLOWED"), "{method} {path}");
        assert_eq!(reply.header("allow"), Some(allow));
    }
}

/// Sends a request that must be refused, and returns the code.
async fn refusal(bench: &Bench, request: &Ask, status: u16, code: &str) -> ManageErrorCode {
    assert_eq!(bench.send(request.clone()).await.problem(), problem(status, code));
    code.parse().unwrap()
}

/// The first request has every error. Each step corrects one of them and reveals the next.
#[tokio::test]
async fn first_error_of_the_documented_order_is_returned() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    bench.set_plan("org", "free").await;
    for (method, wrong, right) in
        [("POST", None, "/api/keys".to_owned()), ("PATCH", Some("/api/keys/x"), path(&created))]
    {
        let mut order = Vec::new();
        let mut request =
            ask(method, wrong.unwrap_or(&right)).without_login().header("sec-fetch-site", "cross-site");
        request.query = Some("x=1".to_owned());
        request.body = vec![b' '; 20_000];
        order.push(refusal(&bench, &request, 401, "ADMIN_REQUIRED").await);
        request = request.admin(crate::support::ann());
        order.push(refusal(&bench, &request, 403, "CROSS_SITE_REQUEST").await);
        request.headers.clear();
        if wrong.is_some() {
            order.push(refusal(&bench, &request, 404, "KEY_NOT_FOUND").await);
            request.path = right;
        }
        order.push(refusal(&bench, &request, 413, "BODY_TOO_LARGE").await);
        request.body = b"{".to_vec();
        order.push(refusal(&bench, &request, 415, "UNSUPPORTED_MEDIA_TYPE").await);
        request = request.header("content-type", "application/json");
        order.push(refusal(&bench, &request, 400, "INVALID_QUERY").await);
        request.query = None;
        order.push(refusal(&bench, &request, 400, "MALFORMED_JSON").await);
        request.body = br#"{"name":7}"#.to_vec();
        order.push(refusal(&bench, &request, 422, "VALIDATION_FAILED").await);
        request.body = br#"{"name":"b"}"#.to_vec();
        if method == "POST" {
            order.push(refusal(&bench, &request, 403, "API_ACCESS_NOT_AVAILABLE").await);
            bench.set_plan("org", "starter").await;
            bench.create("second").await;
            order.push(refusal(&bench, &request, 409, "KEY_LIMIT_REACHED").await);
            bench.set_plan("org", "enterprise").await;
        }
        assert!(bench.send(request).await.status < 300);
        assert!(order.is_sorted(), "`ManageErrorCode` has another order: {order:?}");
    }
}

#[tokio::test]
async fn unknown_query_parameter_is_refused_on_every_endpoint() {
    let bench = Bench::new().await;
    let created = bench.create("a").await;
    for request in every_endpoint(&path(&created)) {
        let mut request = request;
        request.query = Some("force=true".to_owned());
        assert_eq!(bench.send(request).await.problem(), problem(400, "INVALID_QUERY"));
    }
    assert_eq!(bench.json(get("/api/keys")).await["quota"]["used"], 1);
}

#[tokio::test]
async fn problem_types_begin_with_the_configured_base() {
    let mut bench = Bench::new().await;
    let kind = |bench: &Bench| {
        let reply = pollster::block_on(bench.send(get("/api/keys/x")));
        reply.json()["type"].clone()
    };
    assert_eq!(kind(&bench), json!("urn:problem-type:apikeys:key-not-found"));
    bench.api = bench.api.wording(Wording::default().problem_types("https://docs.example.com/problems/"));
    assert_eq!(kind(&bench), json!("https://docs.example.com/problems/key-not-found"));
}
