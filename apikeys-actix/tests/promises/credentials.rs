//! Where a key is taken from, and what becomes of it.

use actix_http::Request;
use actix_web::{
    App, Error, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    http::Method,
    test, web,
};
use apikeys_actix::{ApiKeyMiddleware, Caller, apikeys_core::http::Sources};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::support::{Host, anonymous, send, with_lines};

/// Says what the handler sees of the credential and of the caller.
async fn look(request: HttpRequest) -> String {
    let seen = |name: &str| match request.headers().get(name) {
        None => "none",
        Some(value) if value.is_sensitive() => "sensitive",
        Some(_) => "plain",
    };
    let extensions = request.extensions();
    let caller = extensions.get::<Caller>();
    let caller = caller.map_or_else(|| "nobody".to_owned(), |caller| caller.org().to_string());
    format!("{caller} {} {}", seen("authorization"), seen("x-api-key"))
}

async fn app(
    middleware: ApiKeyMiddleware,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    test::init_service(App::new().service(web::resource("/").wrap(middleware).to(look))).await
}

fn both() -> Sources {
    Sources::bearer().header("X-API-Key").unwrap().basic_user_name()
}

/// R18.
#[actix_web::test]
async fn the_handler_does_not_see_the_credential() {
    let host = Host::new().await;
    assert_eq!(send(&app(host.middleware()).await, host.get("/")).await.body, "org_1 none none");
    let app = app(host.middleware().sources(both())).await;
    let secret = host.secret.expose();
    for lines in [
        &[("x-api-key", secret)][..],
        &[("x-api-key", secret), ("authorization", "Digest a=b")],
        &[("authorization", &*host.bearer()), ("x-api-key", "")],
    ] {
        assert_eq!(send(&app, with_lines("/", lines)).await.body, "org_1 none none", "{lines:?}");
    }
}

/// R18.
#[actix_web::test]
async fn a_credential_that_is_kept_is_marked_sensitive() {
    let host = Host::new().await;
    let app = app(host.middleware().sources(both()).keep_credential()).await;
    assert_eq!(send(&app, host.get("/")).await.body, "org_1 sensitive none");
    let reply = send(&app, with_lines("/", &[("x-api-key", host.secret.expose())])).await;
    assert_eq!(reply.body, "org_1 none sensitive");
}

#[actix_web::test]
async fn a_header_that_is_no_source_is_left_alone() {
    let host = Host::new().await;
    let lines = [("authorization", &*host.bearer()), ("x-api-key", "another service's")];
    let reply = send(&app(host.middleware()).await, with_lines("/", &lines)).await;
    assert_eq!(reply.body, "org_1 none plain");
}

#[actix_web::test]
async fn further_sources_are_taken_when_enabled_and_only_one_at_a_time() {
    let host = Host::new().await;
    let secret = host.secret.expose();
    let reply = send(&app(host.middleware()).await, with_lines("/", &[("x-api-key", secret)])).await;
    assert_eq!(reply.code(), "MISSING_API_KEY");
    let app = app(host.middleware().sources(both())).await;
    let basic = format!("Basic {}", STANDARD.encode(format!("{secret}:")));
    for lines in [[("x-api-key", secret)], [("authorization", &*basic)]] {
        assert_eq!(send(&app, with_lines("/", &lines)).await.status, 200, "{lines:?}");
    }
    let calls = host.faults.all_calls();
    let (bearer, same) = (("authorization", &*host.bearer()), ("x-api-key", secret));
    for lines in [[bearer, same], [same, same]] {
        assert_eq!(send(&app, with_lines("/", &lines)).await.code(), "AMBIGUOUS_CREDENTIALS");
    }
    assert_eq!(host.faults.all_calls(), calls);
}

/// R8.
#[actix_web::test]
async fn a_query_is_never_read_and_never_on_the_audit_log() {
    let host = Host::new().await;
    let secret = host.secret.expose();
    let both = app(host.middleware().sources(both())).await;
    for name in ["api_key", "key", "token", "access_token", "authorization", "x-api-key"] {
        let reply = send(&both, anonymous(&format!("/?{name}={secret}"))).await;
        assert_eq!(reply.code(), "MISSING_API_KEY", "{name}");
    }
    let uri = format!("/?token={secret}&user=ann");
    assert_eq!(send(&app(host.middleware()).await, host.get(&uri)).await.status, 200);
    let requests = host.requests().await;
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].meta.path(), "/");
    let shown = format!("{requests:?}");
    assert!(!shown.contains(secret) && !shown.contains("ann"), "{shown}");
}

#[actix_web::test]
async fn an_optional_key_may_be_absent_but_not_wrong() {
    let host = Host::new().await;
    let app = app(host.middleware().optional()).await;
    assert_eq!(send(&app, host.get("/")).await.body, "org_1 none none");
    let reply = send(&app, anonymous("/")).await;
    assert_eq!(reply.body, "nobody none none");
    assert_eq!(reply.header("ratelimit"), None, "no key, no limit");
    let reply = send(&app, with_lines("/", &[("authorization", "Basic azo=")])).await;
    assert_eq!(reply.body, "nobody plain none", "credentials of another kind are not ours to take");
    let reply = send(&app, with_lines("/", &[("authorization", "Bearer wrong")])).await;
    assert_eq!(reply.code(), "INVALID_API_KEY");
    let bearer = ("authorization", &*host.bearer());
    let reply = send(&app, with_lines("/", &[bearer, bearer])).await;
    assert_eq!(reply.code(), "AMBIGUOUS_CREDENTIALS");
    host.manage().deactivate(host.key).await.unwrap();
    assert_eq!(send(&app, host.get("/")).await.code(), "API_KEY_DEACTIVATED");
    assert_eq!(host.request_count().await, 1);
}

/// R42.
#[actix_web::test]
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
    let reply = send(&app(host.middleware()).await, with_lines("/", &claims)).await;
    assert_eq!(reply.code(), "MISSING_API_KEY");
    let reply = send(&app(host.middleware().optional()).await, with_lines("/", &claims)).await;
    assert_eq!(reply.body, "nobody none none");
}

/// R42: the caller of another middleware, of another host's keys perhaps, is not this one's.
#[actix_web::test]
async fn a_middleware_inside_another_believes_only_itself() {
    let (outer, inner) = (Host::new().await, Host::new().await);
    let nested = async |around: ApiKeyMiddleware, within: ApiKeyMiddleware| {
        let app = App::new().service(web::resource("/").wrap(within).to(look)).wrap(around);
        send(&test::init_service(app).await, outer.get("/")).await
    };
    let reply = nested(outer.middleware(), inner.middleware().optional()).await;
    assert_eq!(reply.body, "nobody none none");
    assert_eq!(nested(outer.middleware(), inner.middleware()).await.code(), "MISSING_API_KEY");
    let kept = outer.middleware().keep_credential();
    assert_eq!(nested(kept, inner.middleware()).await.code(), "INVALID_API_KEY");
}

#[actix_web::test]
async fn a_body_reaches_the_handler_as_it_was_sent() {
    let host = Host::new().await;
    let echo = async |body: String| body;
    let app = App::new().service(web::resource("/").wrap(host.middleware()).to(echo));
    let request = host.get("/").method(Method::POST).set_payload("hello");
    assert_eq!(send(&test::init_service(app).await, request).await.body, "hello");
}
