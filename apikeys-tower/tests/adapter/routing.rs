//! Tests of the routes that a layer protects.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use apikeys_test_adapters::SPELLINGS;
use axum::{Router, routing::any};
use http::{Request, StatusCode};

use crate::support::{Host, HostExt as _, anonymous, send};

/// Returns a service with the protected routes `/v1/x` and `/v1/deep/x` and the public route `/healthz`. The number
/// counts how often a protected handler ran.
fn app(host: &Host) -> (Router, Arc<AtomicUsize>) {
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let protected = move || {
        counter.fetch_add(1, Ordering::SeqCst);
        async { "secret" }
    };
    let inner = Router::new().route("/x", any(protected.clone())).route("/deep/{name}", any(protected));
    let app =
        Router::new().route("/healthz", any(|| async { "ok" })).nest("/v1", inner.route_layer(host.layer()));
    (app, ran)
}

#[tokio::test]
async fn request_without_a_key_reaches_no_nested_route_with_any_spelling_of_the_path() {
    let host = Host::new().await;
    let (app, ran) = app(&host);
    for path in SPELLINGS {
        for method in ["GET", "POST", "HEAD", "OPTIONS", "CONNECT", "TRACE", "PROPFIND"] {
            let request =
                Request::builder().method(method).uri(*path).body(axum::body::Body::empty()).unwrap();
            let status = send(app.clone(), request).await.status;
            let refused = status == StatusCode::UNAUTHORIZED || status == StatusCode::NOT_FOUND;
            assert!(refused, "{method} {path}: {status}");
        }
    }
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    assert_eq!(
        send(app.clone(), host.get("/v1/x")).await.body,
        "secret",
        "a request with a key reaches the route"
    );
    assert_eq!(send(app.clone(), host.get("/v1/deep/%78")).await.body, "secret");
    assert_eq!(send(app, anonymous("/healthz")).await.body, "ok");
}

#[tokio::test]
async fn unknown_path_is_404_with_a_route_layer_and_401_with_a_layer() {
    let host = Host::new().await;
    let routes = || Router::new().route("/known", any(|| async {}));
    let (route_layer, layer) = (routes().route_layer(host.layer()), routes().layer(host.layer()));
    assert_eq!(send(route_layer.clone(), anonymous("/unknown")).await.status, 404);
    assert_eq!(send(layer.clone(), anonymous("/unknown")).await.status, 401);
    for app in [route_layer, layer] {
        assert_eq!(send(app.clone(), anonymous("/known")).await.status, 401);
        assert_eq!(send(app, host.get("/unknown")).await.status, 404);
    }
}

#[tokio::test]
async fn routes_added_after_a_layer_need_no_key() {
    let host = Host::new().await;
    let app = Router::new()
        .route("/closed", any(|| async {}))
        .route_layer(host.layer())
        .route("/open", any(|| async {}));
    assert_eq!(send(app.clone(), anonymous("/open")).await.status, 200);
    assert_eq!(send(app, anonymous("/closed")).await.status, 401);
}

#[tokio::test]
async fn layer_around_a_whole_router_protects_all_its_routes() {
    use tower::Layer as _;

    let host = Host::new().await;
    let app = host.layer().layer(Router::new().route("/", any(|| async { "handled" })));
    assert_eq!(send(app.clone(), anonymous("/")).await.status, 401);
    assert_eq!(send(app, host.get("/")).await.body, "handled");
}

/// A nested router removes its prefix from the URI.
#[cfg(feature = "axum")]
#[tokio::test]
async fn event_has_the_whole_path_that_the_client_sent() {
    let host = Host::new().await;
    let (app, _) = app(&host);
    send(app, host.get("/v1/deep/x?y=z")).await;
    assert_eq!(host.requests().await[0].meta.path(), "/v1/deep/x");
}
