//! Where a key is taken from, and what becomes of it.

use apikeys_tower::{Caller, apikeys_core::http::Sources};
use axum::{Router, body::Body, extract::Request, routing::any};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::support::{Host, anonymous, send, with_lines};

/// Says what the handler sees of the credential and of the caller.
async fn look(request: Request) -> String {
    let seen = |name| match request.headers().get(name) {
        None => "none",
        Some(value) if value.is_sensitive() => "sensitive",
        Some(_) => "plain",
    };
    let caller = request.extensions().get::<Caller>();
    let caller = caller.map_or_else(|| "nobody".to_owned(), |caller| caller.org().to_string());
    format!("{caller} {} {}", seen("authorization"), seen("x-api-key"))
}

fn app(layer: apikeys_tower::ApiKeyLayer) -> Router {
    Router::new().route("/", any(look)).route_layer(layer)
}

fn both() -> Sources {
    Sources::bearer().header("X-API-Key").unwrap().basic_user_name()
}

/// R18.
#[tokio::test]
async fn the_handler_does_not_see_the_credential() {
    let host = Host::new().await;
    assert_eq!(send(app(host.layer()), host.get("/")).await.body, "org_1 none none");
    let app = app(host.layer().sources(both()));
    let secret = host.secret.expose();
    for lines in [
        &[("x-api-key", secret)][..],
        &[("x-api-key", secret), ("authorization", "Digest a=b")],
        &[("authorization", &*host.bearer()), ("x-api-key", "")],
    ] {
        assert_eq!(send(app.clone(), with_lines("/", lines)).await.body, "org_1 none none", "{lines:?}");
    }
}

/// R18.
#[tokio::test]
async fn a_credential_that_is_kept_is_marked_sensitive() {
    let host = Host::new().await;
    let app = app(host.layer().sources(both()).keep_credential());
    assert_eq!(send(app.clone(), host.get("/")).await.body, "org_1 sensitive none");
    let reply = send(app, with_lines("/", &[("x-api-key", host.secret.expose())])).await;
    assert_eq!(reply.body, "org_1 none sensitive");
}

#[tokio::test]
async fn a_header_that_is_no_source_is_left_alone() {
    let host = Host::new().await;
    let lines = [("authorization", &*host.bearer()), ("x-api-key", "another service's")];
    assert_eq!(send(app(host.layer()), with_lines("/", &lines)).await.body, "org_1 none plain");
}

#[tokio::test]
async fn further_sources_are_taken_when_enabled_and_only_one_at_a_time() {
    let host = Host::new().await;
    let secret = host.secret.expose();
    let reply = send(app(host.layer()), with_lines("/", &[("x-api-key", secret)])).await;
    assert_eq!(reply.code(), "MISSING_API_KEY");
    let app = app(host.layer().sources(both()));
    let basic = format!("Basic {}", STANDARD.encode(format!("{secret}:")));
    for lines in [[("x-api-key", secret)], [("authorization", &*basic)]] {
        assert_eq!(send(app.clone(), with_lines("/", &lines)).await.status, 200, "{lines:?}");
    }
    let calls = host.faults.all_calls();
    let (bearer, same) = (("authorization", &*host.bearer()), ("x-api-key", secret));
    let reply = send(app.clone(), with_lines("/", &[bearer, same])).await;
    assert_eq!(reply.code(), "AMBIGUOUS_CREDENTIALS");
    let reply = send(app, with_lines("/", &[same, same])).await;
    assert_eq!(reply.code(), "AMBIGUOUS_CREDENTIALS");
    assert_eq!(host.faults.all_calls(), calls);
}

/// R8.
#[tokio::test]
async fn a_query_is_never_read_and_never_on_the_audit_log() {
    let host = Host::new().await;
    let secret = host.secret.expose();
    for name in ["api_key", "key", "token", "access_token", "authorization", "x-api-key"] {
        let uri = format!("/?{name}={secret}");
        let reply = send(app(host.layer().sources(both())), anonymous(&uri)).await;
        assert_eq!(reply.code(), "MISSING_API_KEY", "{name}");
    }
    let uri = format!("/?token={secret}&user=ann");
    assert_eq!(send(app(host.layer()), host.get(&uri)).await.status, 200);
    let requests = host.requests().await;
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].meta.path(), "/");
    let shown = format!("{requests:?}");
    assert!(!shown.contains(secret) && !shown.contains("ann"), "{shown}");
}

#[tokio::test]
async fn an_optional_key_may_be_absent_but_not_wrong() {
    let host = Host::new().await;
    let app = app(host.layer().optional());
    assert_eq!(send(app.clone(), host.get("/")).await.body, "org_1 none none");
    let reply = send(app.clone(), anonymous("/")).await;
    assert_eq!(reply.body, "nobody none none");
    assert_eq!(reply.header("ratelimit"), None, "no key, no limit");
    let reply = send(app.clone(), with_lines("/", &[("authorization", "Basic azo=")])).await;
    assert_eq!(reply.body, "nobody plain none", "credentials of another kind are not ours to take");
    let reply = send(app.clone(), with_lines("/", &[("authorization", "Bearer wrong")])).await;
    assert_eq!(reply.code(), "INVALID_API_KEY");
    let bearer = ("authorization", &*host.bearer());
    let reply = send(app.clone(), with_lines("/", &[bearer, bearer])).await;
    assert_eq!(reply.code(), "AMBIGUOUS_CREDENTIALS");
    host.manage().deactivate(host.key).await.unwrap();
    assert_eq!(send(app, host.get("/")).await.code(), "API_KEY_DEACTIVATED");
    assert_eq!(host.request_count().await, 1);
}

/// R42.
#[tokio::test]
async fn no_header_can_claim_to_be_authenticated() {
    let host = Host::new().await;
    let claims = [
        ("caller", "org_1"),
        ("x-caller", "org_1"),
        ("x-authenticated", "true"),
        ("x-apikeys-caller", "org_1"),
        ("x-forwarded-user", "ann"),
        ("proxy-authorization", &*host.bearer()),
        ("cookie", &*format!("authorization={}", host.bearer())),
    ];
    let reply = send(app(host.layer()), with_lines("/", &claims)).await;
    assert_eq!(reply.code(), "MISSING_API_KEY");
    let reply = send(app(host.layer().optional()), with_lines("/", &claims)).await;
    assert_eq!(reply.body, "nobody none none");
}

/// R42: the caller of another layer, of another host's keys perhaps, is not this layer's.
#[tokio::test]
async fn a_layer_inside_another_believes_only_itself() {
    let (outer, inner) = (Host::new().await, Host::new().await);
    let app = app(inner.layer().optional()).layer(outer.layer());
    let reply = send(app, outer.get("/")).await;
    assert_eq!(reply.body, "nobody none none");
    let app = self::app(inner.layer()).layer(outer.layer());
    assert_eq!(send(app, outer.get("/")).await.code(), "MISSING_API_KEY");
    let app = self::app(inner.layer()).layer(outer.layer().keep_credential());
    assert_eq!(send(app, outer.get("/")).await.code(), "INVALID_API_KEY");
}

#[tokio::test]
async fn a_body_reaches_the_handler_as_it_was_sent() {
    let host = Host::new().await;
    let echo = Router::new().route("/", any(|body: String| async { body })).route_layer(host.layer());
    let request = http::Request::post("/").header("authorization", host.bearer());
    let reply = send(echo, request.body(Body::from("hello")).unwrap()).await;
    assert_eq!(reply.body, "hello");
}
