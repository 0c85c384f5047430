//! The headers that a key is read from, and the headers that the handler gets.

#![allow(missing_docs, reason = "the name of each test says what is tested")]

use std::sync::Arc;

use apikeys_core::http::Sources;
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{Adapter, Handler, HandlerResponse, Host, Options, Request};

/// A handler that returns the caller's organization and the forms in which it gets both headers.
fn look() -> Handler {
    Arc::new(|seen| {
        let org = seen.org.as_deref().unwrap_or("nobody");
        let body = format!("{org} {:?} {:?}", seen.authorization, seen.x_api_key);
        Box::pin(async { HandlerResponse::ok(body) })
    })
}

fn both() -> Options {
    let sources = Sources::bearer().header("X-API-Key").unwrap().basic_user_name();
    Options { sources, ..Options::default() }
}

async fn app<A: Adapter>(host: &Host, options: Options) -> A::App {
    host.app::<A>(options, look()).await
}

pub async fn admitted_request_reaches_the_handler_without_its_credential<A: Adapter>() {
    let host = Host::new().await;
    let reply = host.call::<A>(&app::<A>(&host, Options::default()).await).await;
    assert_eq!(reply.body, "org_1 Absent Absent");
    let app = app::<A>(&host, both()).await;
    let secret = host.secret.expose();
    for lines in [
        &[("x-api-key", secret)][..],
        &[("x-api-key", secret), ("authorization", "Digest a=b")],
        &[("authorization", &*host.bearer()), ("x-api-key", "")],
    ] {
        let reply = A::send(&app, Request::get("/").with(lines)).await;
        assert_eq!(reply.body, "org_1 Absent Absent", "{} lines", lines.len());
    }
}

pub async fn kept_credential_is_marked_sensitive<A: Adapter>() {
    let host = Host::new().await;
    let app = app::<A>(&host, Options { keep_credential: true, ..both() }).await;
    assert_eq!(host.call::<A>(&app).await.body, "org_1 Sensitive Absent");
    let reply = A::send(&app, Request::get("/").with(&[("x-api-key", host.secret.expose())])).await;
    assert_eq!(reply.body, "org_1 Absent Sensitive");
}

pub async fn header_that_is_not_a_source_stays_in_the_request<A: Adapter>() {
    let host = Host::new().await;
    let request = host.request("/").with(&[("x-api-key", "another service's")]);
    let reply = A::send(&app::<A>(&host, Options::default()).await, request).await;
    assert_eq!(reply.body, "org_1 Absent Plain");
}

pub async fn key_in_another_header_is_read_only_if_enabled_and_alone<A: Adapter>() {
    let host = Host::new().await;
    let secret = host.secret.expose();
    let bearer_only = app::<A>(&host, Options::default()).await;
    let reply = A::send(&bearer_only, Request::get("/").with(&[("x-api-key", secret)])).await;
    assert_eq!(reply.code(), "MISSING_API_KEY");
    let app = app::<A>(&host, both()).await;
    let basic = format!("Basic {}", STANDARD.encode(format!("{secret}:")));
    for line in [("x-api-key", secret), ("authorization", &*basic)] {
        assert_eq!(A::send(&app, Request::get("/").with(&[line])).await.status, 200, "{}", line.0);
    }
    let calls = host.faults.all_calls();
    let (bearer, same) = (("authorization", &*host.bearer()), ("x-api-key", secret));
    for lines in [[bearer, same], [same, same]] {
        let reply = A::send(&app, Request::get("/").with(&lines)).await;
        assert_eq!(reply.code(), "AMBIGUOUS_CREDENTIALS");
    }
    assert_eq!(host.faults.all_calls(), calls);
}

pub async fn source_header_named_twice_is_one_source<A: Adapter>() {
    let host = Host::new().await;
    let sources = Sources::bearer().header("x-api-key").unwrap().header("X-API-Key").unwrap();
    let app = app::<A>(&host, Options { sources, ..Options::default() }).await;
    let reply = A::send(&app, Request::get("/").with(&[("x-api-key", host.secret.expose())])).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

pub async fn admission_by_another_header_adds_vary_and_cache_control<A: Adapter>() {
    let host = Host::new().await;
    let request = || Request::get("/").with(&[("x-api-key", host.secret.expose())]);
    for (handler, vary, cache_control) in [
        (vec![], vec!["x-api-key"], "private"),
        (vec![("vary", "accept")], vec!["accept", "x-api-key"], "private"),
        (vec![("vary", "accept, X-API-Key")], vec!["accept, X-API-Key"], "private"),
        (vec![("vary", "*")], vec!["*"], "private"),
        (vec![("cache-control", "no-store")], vec!["x-api-key"], "no-store"),
    ] {
        let response = HandlerResponse { headers: handler, ..HandlerResponse::ok("") };
        let handler: Handler = Arc::new(move |_| {
            let response = response.clone();
            Box::pin(async move { response })
        });
        let app = host.app::<A>(both(), handler).await;
        let reply = A::send(&app, request()).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.values("vary"), vary);
        assert_eq!(reply.header("cache-control"), Some(cache_control));
    }
    // Caches know that `Authorization` makes a response private.
    let reply = host.call::<A>(&app::<A>(&host, both()).await).await;
    assert_eq!((reply.header("vary"), reply.header("cache-control")), (None, None));
}

pub async fn response_without_an_optional_key_varies_with_the_headers_that_may_carry_a_key<A: Adapter>() {
    let host = Host::new().await;
    let options = Options { optional: true, ..both() };
    for (handler, vary) in [
        (vec![], vec!["authorization", "x-api-key"]),
        (vec![("vary", "accept, X-API-Key")], vec!["accept, X-API-Key", "authorization"]),
        (vec![("vary", "*")], vec!["*"]),
    ] {
        let response = HandlerResponse { headers: handler, ..HandlerResponse::ok("") };
        let handler: Handler = Arc::new(move |_| {
            let response = response.clone();
            Box::pin(async move { response })
        });
        let app = host.app::<A>(options.clone(), handler).await;
        let reply = A::send(&app, Request::get("/")).await;
        assert_eq!((reply.status, reply.values("vary")), (200, vary));
        assert_eq!(reply.header("cache-control"), None);
    }
}

pub async fn query_is_never_read_and_never_recorded<A: Adapter>() {
    let host = Host::new().await;
    let secret = host.secret.expose();
    let app = app::<A>(&host, both()).await;
    for name in ["api_key", "key", "token", "access_token", "authorization", "x-api-key"] {
        let reply = A::send(&app, Request::get(format!("/?{name}={secret}"))).await;
        assert_eq!(reply.code(), "MISSING_API_KEY", "{name}");
    }
    let request = host.request(&format!("/?token={secret}&user=ann"));
    assert_eq!(A::send(&app, request).await.status, 200);
    let requests = host.requests().await;
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].meta.path(), "/");
    let shown = format!("{requests:?}");
    assert!(!shown.contains(secret) && !shown.contains("ann"), "the query was recorded");
}

pub async fn optional_key_admits_a_missing_key_and_denies_a_wrong_one<A: Adapter>() {
    let host = Host::new().await;
    let app = app::<A>(&host, Options { optional: true, ..Options::default() }).await;
    assert_eq!(host.call::<A>(&app).await.body, "org_1 Absent Absent");
    let reply = A::send(&app, Request::get("/")).await;
    assert_eq!(reply.body, "nobody Absent Absent");
    assert_eq!(reply.header("ratelimit"), None, "a request without a key has no limit");
    let reply = A::send(&app, Request::get("/").with(&[("authorization", "Basic azo=")])).await;
    assert_eq!(reply.body, "nobody Plain Absent", "other credentials stay in the request");
    let reply = A::send(&app, Request::get("/").with(&[("authorization", "Bearer wrong")])).await;
    assert_eq!(reply.code(), "INVALID_API_KEY");
    let bearer = ("authorization", &*host.bearer());
    let reply = A::send(&app, Request::get("/").with(&[bearer, bearer])).await;
    assert_eq!(reply.code(), "AMBIGUOUS_CREDENTIALS");
    host.manage().deactivate(host.key).await.unwrap();
    assert_eq!(host.call::<A>(&app).await.code(), "API_KEY_DEACTIVATED");
    assert_eq!(host.request_count().await, 1);
}

pub async fn header_cannot_claim_to_be_authenticated<A: Adapter>() {
    let host = Host::new().await;
    let claims = || {
        Request::get("/").with(&[
            ("caller", "org_1"),
            ("x-caller", "org_1"),
            ("x-authenticated", "true"),
            ("x-apikeys-caller", "org_1"),
            ("x-forwarded-user", "ann"),
            ("proxy-authorization", &*host.bearer()),
            ("cookie", &*format!("authorization={}", host.bearer())),
        ])
    };
    let strict = app::<A>(&host, Options::default()).await;
    assert_eq!(A::send(&strict, claims()).await.code(), "MISSING_API_KEY");
    let optional = app::<A>(&host, Options { optional: true, ..Options::default() }).await;
    assert_eq!(A::send(&optional, claims()).await.body, "nobody Absent Absent");
}

pub async fn body_reaches_the_handler_as_it_was_sent<A: Adapter>() {
    let host = Host::new().await;
    let echo: Handler = Arc::new(|seen| Box::pin(async { HandlerResponse::ok(seen.body) }));
    let app = host.app::<A>(Options::default(), echo).await;
    let request = Request { method: "POST", body: "hello".to_owned(), ..host.request("/") };
    assert_eq!(A::send(&app, request).await.body, "hello");
}
