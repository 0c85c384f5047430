//! Tests of how the end of a request is recorded.

use std::{convert::Infallible, panic::AssertUnwindSafe, time::Duration};

use apikeys_tower::apikeys_core::audit::Outcome;
use axum::{Router, body::Body, routing::get};
use http::{Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

use crate::support::{Host, HostExt as _, send};

#[tokio::test]
async fn request_dropped_while_the_handler_runs_is_one_aborted_event() {
    let host = Host::new().await;
    let app = host.layer().layer(service_fn(|_: Request<Body>| std::future::pending::<Answered>()));
    let request = tokio::spawn(app.oneshot(host.get("/")));
    tokio::task::yield_now().await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    assert_eq!(host.endings().await, [(Outcome::Aborted, None)]);
    assert_eq!(host.request_count().await, 1);
}

#[tokio::test]
async fn request_that_is_never_polled_is_not_recorded() {
    let host = Host::new().await;
    let app = host.layer().layer(service_fn(|_: Request<Body>| std::future::pending::<Answered>()));
    drop(app.oneshot(host.get("/")));
    assert_eq!(host.endings().await, []);
}

type Answered = Result<Response<Body>, Infallible>;

#[tokio::test]
async fn handler_that_panics_is_one_aborted_event() {
    let host = Host::new().await;
    let panicking = service_fn(|request: Request<Body>| {
        assert!(request.uri().path() != "/now", "in the call");
        async move {
            assert!(request.uri().path() != "/later", "in the future");
            Answered::Ok(Response::default())
        }
    });
    let app = host.layer().layer(panicking);
    for path in ["/now", "/later"] {
        let request = AssertUnwindSafe(app.clone().oneshot(host.get(path)));
        let task = tokio::spawn(async { request.0.await.map(|_| ()) });
        assert!(task.await.unwrap_err().is_panic());
    }
    assert_eq!(host.endings().await, [(Outcome::Aborted, None), (Outcome::Aborted, None)]);
    assert_eq!(host.request_count().await, 2);
}

/// The guide recommends that both layers are inside the `ApiKeyLayer`.
#[tokio::test]
async fn timeout_and_caught_panic_are_recorded_as_answered_inside_the_layer_and_as_aborted_outside() {
    let (gone, late) = (StatusCode::INTERNAL_SERVER_ERROR, StatusCode::GATEWAY_TIMEOUT);
    let timeout = || TimeoutLayer::with_status_code(late, Duration::from_millis(50));
    let routes = || {
        Router::new()
            .route("/panics", get(async || -> String { panic!("in the handler") }))
            .route("/hangs", get(std::future::pending::<String>))
    };
    for (path, status) in [("/panics", gone), ("/hangs", late)] {
        let host = Host::new().await;
        let inside = routes().layer(CatchPanicLayer::new()).layer(timeout()).layer(host.layer());
        assert_eq!(send(inside, host.get(path)).await.status, status);
        let outside = routes().layer(host.layer()).layer(CatchPanicLayer::new()).layer(timeout());
        assert_eq!(send(outside, host.get(path)).await.status, status);
        let expected = [(Outcome::Answered, Some(status.as_u16())), (Outcome::Aborted, None)];
        assert_eq!(host.endings().await, expected, "{path}");
    }
}

#[tokio::test]
async fn inner_service_that_returns_an_error_is_one_aborted_event() {
    let host = Host::new().await;
    let failing = service_fn(|_: Request<Body>| async { Err::<Response<Body>, _>("broken") });
    let answer = host.layer().layer(failing).oneshot(host.get("/")).await;
    assert_eq!(answer.unwrap_err(), "broken");
    assert_eq!(host.endings().await, [(Outcome::Aborted, None)]);
}
