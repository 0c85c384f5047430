//! `Caller` and `Option<Caller>` as axum extractors.

use apikeys_tower::{
    Caller, CallerRejection,
    apikeys_core::{Denial, http::Wording},
};
use axum::{Router, routing::get};

use crate::support::{Host, HostExt as _, anonymous, send, with_lines};

async fn who(caller: Caller) -> String {
    format!("{} {} {} {}", caller.org(), caller.key_name(), caller.plan(), caller.rate().remaining)
}

async fn whoever(caller: Option<Caller>) -> String {
    caller.map_or_else(|| "nobody".to_owned(), |caller| caller.key_id().to_string())
}

fn routes() -> Router {
    Router::new().route("/who", get(who)).route("/whoever", get(whoever))
}

#[tokio::test]
async fn handler_gets_its_caller() {
    let host = Host::new().await;
    let app = routes().route_layer(host.layer());
    assert_eq!(send(app.clone(), host.get("/who")).await.body, "org_1 CI professional 59");
    assert_eq!(send(app, host.get("/whoever")).await.body, host.key.to_string());
}

#[tokio::test]
async fn optional_caller_is_none_only_without_a_credential() {
    let host = Host::new().await;
    let app = routes().route_layer(host.layer().optional());
    assert_eq!(send(app.clone(), anonymous("/whoever")).await.body, "nobody");
    assert_eq!(send(app.clone(), host.get("/whoever")).await.body, host.key.to_string());
    let wrong = with_lines("/whoever", &[("authorization", "Bearer wrong")]);
    assert_eq!(send(app, wrong).await.code(), "INVALID_API_KEY");
}

#[tokio::test]
async fn handler_that_needs_a_caller_refuses_like_the_layer() {
    let host = Host::new().await;
    let wording = Wording::default().realm("billing").unwrap();
    let optional = routes().route_layer(host.layer().wording(wording.clone()).optional());
    let strict = routes().route_layer(host.layer().wording(wording));
    let (one, other) = (send(optional, anonymous("/who")).await, send(strict, anonymous("/who")).await);
    assert_eq!(one.code(), "MISSING_API_KEY");
    assert_eq!((one.status, &one.headers, &one.body), (other.status, &other.headers, &other.body));
    assert_eq!(one.extensions.get::<Denial>(), Some(&Denial::Missing));
}

#[tokio::test]
async fn missing_layer_is_a_500_that_says_how_to_fix_it() {
    for path in ["/who", "/whoever"] {
        let reply = send(routes(), anonymous(path)).await;
        assert_eq!(reply.status, 500, "{path}");
        assert_eq!(
            reply.body,
            "The `Caller` extractor found no `ApiKeyLayer` around this route. \
             Add `.route_layer(ApiKeyLayer::new(keys))` after the routes that use it."
        );
    }
}

#[tokio::test]
async fn rejection_tells_a_missing_layer_from_a_missing_key() {
    let host = Host::new().await;
    let tell = |caller: Result<Caller, CallerRejection>| async move {
        format!("{:?}", caller.map_err(|rejection| rejection.is_missing_layer()).unwrap_err())
    };
    let app = Router::new().route("/", get(tell));
    assert_eq!(send(app.clone(), anonymous("/")).await.body, "true");
    assert_eq!(send(app.route_layer(host.layer().optional()), anonymous("/")).await.body, "false");
}
