//! Tests of `Caller` and `Option<Caller>` as axum extractors.

use apikeys_tower::{
    Caller, CallerRejection,
    apikeys_core::{Denial, http::Wording},
};
use axum::{Router, routing::get};

use crate::support::{Host, HostExt as _, anonymous, send, with_lines};

async fn required_caller(caller: Caller) -> String {
    format!("{} {} {} {}", caller.org(), caller.key_name(), caller.plan(), caller.rate().remaining)
}

async fn optional_caller(caller: Option<Caller>) -> String {
    caller.map_or_else(|| "no caller".to_owned(), |caller| caller.key_id().to_string())
}

fn routes() -> Router {
    Router::new().route("/required", get(required_caller)).route("/optional", get(optional_caller))
}

#[tokio::test]
async fn handler_gets_the_caller_of_its_request() {
    let host = Host::new().await;
    let app = routes().route_layer(host.layer());
    assert_eq!(send(app.clone(), host.get("/required")).await.body, "org_1 CI professional 59");
    assert_eq!(send(app, host.get("/optional")).await.body, host.key.to_string());
}

#[tokio::test]
async fn optional_caller_is_none_for_a_request_without_a_credential() {
    let host = Host::new().await;
    let app = routes().route_layer(host.layer().optional());
    assert_eq!(send(app.clone(), anonymous("/optional")).await.body, "no caller");
    assert_eq!(send(app.clone(), host.get("/optional")).await.body, host.key.to_string());
    let wrong = with_lines("/optional", &[("authorization", "Bearer wrong")]);
    assert_eq!(send(app, wrong).await.code(), "INVALID_API_KEY");
}

#[tokio::test]
async fn caller_rejection_without_a_key_is_the_denial_of_the_layer() {
    let host = Host::new().await;
    let wording = Wording::default().realm("billing").unwrap();
    let optional = routes().route_layer(host.layer().wording(wording.clone()).optional());
    let strict = routes().route_layer(host.layer().wording(wording));
    let (one, other) =
        (send(optional, anonymous("/required")).await, send(strict, anonymous("/required")).await);
    assert_eq!(one.code(), "MISSING_API_KEY");
    assert_eq!((one.status, &one.headers, &one.body), (other.status, &other.headers, &other.body));
    assert_eq!(one.extensions.get::<Denial>(), Some(&Denial::Missing));
}

#[tokio::test]
async fn route_without_the_layer_gets_a_500_that_names_the_layer() {
    for path in ["/required", "/optional"] {
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
async fn rejection_distinguishes_a_missing_layer_from_a_missing_key() {
    let host = Host::new().await;
    let tell = |caller: Result<Caller, CallerRejection>| async move {
        format!("{:?}", caller.map_err(|rejection| rejection.is_missing_layer()).unwrap_err())
    };
    let app = Router::new().route("/", get(tell));
    assert_eq!(send(app.clone(), anonymous("/")).await.body, "true");
    assert_eq!(send(app.route_layer(host.layer().optional()), anonymous("/")).await.body, "false");
}
