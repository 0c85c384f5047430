//! However a request ends, it is one event on the audit log.

use std::{convert::Infallible, panic::AssertUnwindSafe, time::Duration};

use apikeys_tower::apikeys_core::{
    audit::Outcome,
    conformance::faults::{Fault, Method},
};
use axum::{Router, body::Body, routing::get};
use http::{Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

use crate::support::{Host, anonymous, send};

/// The requests on the audit log: outcome and status.
async fn endings(host: &Host) -> Vec<(Outcome, Option<u16>)> {
    host.requests().await.iter().map(|request| (request.outcome.clone(), request.status)).collect()
}

#[tokio::test]
async fn an_answered_request_is_one_event_with_its_status_and_latency() {
    let host = Host::new().await;
    let clock = host.clock.clone();
    let slow = move || async move {
        clock.advance(Duration::from_millis(25)).await;
        StatusCode::IM_A_TEAPOT
    };
    let app = Router::new().route("/", get(slow)).route_layer(host.layer());
    assert_eq!(send(app, host.get("/")).await.status, 418);
    assert_eq!(endings(&host).await, [(Outcome::Answered, Some(418))]);
    assert_eq!(host.requests().await[0].latency, Duration::from_millis(25));
    assert_eq!(host.request_count().await, 1);
}

#[tokio::test]
async fn a_refused_request_of_a_known_key_is_a_denied_event_and_not_counted() {
    let host = Host::with_limit(1).await;
    let app = Router::new().route("/", get(|| async {})).route_layer(host.layer());
    send(app.clone(), host.get("/")).await;
    send(app.clone(), host.get("/")).await;
    send(app, anonymous("/")).await;
    assert_eq!(endings(&host).await, [(Outcome::Answered, Some(200)), (Outcome::Denied, Some(429))]);
    assert_eq!(host.request_count().await, 1);
}

#[tokio::test]
async fn a_client_that_leaves_while_the_handler_runs_is_one_aborted_event() {
    let host = Host::new().await;
    let app = host.layer().layer(service_fn(|_: Request<Body>| std::future::pending::<Answered>()));
    let request = tokio::spawn(app.oneshot(host.get("/")));
    tokio::task::yield_now().await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    assert_eq!(endings(&host).await, [(Outcome::Aborted, None)]);
    assert_eq!(host.request_count().await, 1);
}

#[tokio::test]
async fn a_request_that_is_never_polled_was_never_let_in() {
    let host = Host::new().await;
    let app = host.layer().layer(service_fn(|_: Request<Body>| std::future::pending::<Answered>()));
    drop(app.oneshot(host.get("/")));
    assert_eq!(endings(&host).await, []);
}

type Answered = Result<Response<Body>, Infallible>;

#[tokio::test]
async fn a_handler_that_panics_is_one_aborted_event() {
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
    assert_eq!(endings(&host).await, [(Outcome::Aborted, None), (Outcome::Aborted, None)]);
    assert_eq!(host.request_count().await, 2);
}

/// Where the guide says that these belong, and what happens elsewhere.
#[tokio::test]
async fn what_is_caught_inside_is_answered_and_what_is_caught_outside_is_aborted() {
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
        assert_eq!(endings(&host).await, expected, "{path}");
    }
}

#[tokio::test]
async fn an_inner_service_that_fails_is_one_aborted_event() {
    let host = Host::new().await;
    let failing = service_fn(|_: Request<Body>| async { Err::<Response<Body>, _>("broken") });
    let answer = host.layer().layer(failing).oneshot(host.get("/")).await;
    assert_eq!(answer.unwrap_err(), "broken");
    assert_eq!(endings(&host).await, [(Outcome::Aborted, None)]);
}

#[tokio::test]
async fn a_handler_that_answers_503_is_answered_not_denied() {
    let host = Host::new().await;
    let app = Router::new().route("/", get(|| async { StatusCode::SERVICE_UNAVAILABLE }));
    let reply = send(app.route_layer(host.layer()), host.get("/")).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (503, ""));
    assert_eq!(endings(&host).await, [(Outcome::Answered, Some(503))]);
}

/// What could not be written waits; the client is answered meanwhile.
#[tokio::test]
async fn a_store_that_goes_away_under_the_handler_costs_no_answer_and_no_event() {
    let host = Host::new().await;
    let faults = host.faults.clone();
    let handler = move || async move { faults.set_all(Fault::Error) };
    let app = Router::new().route("/", get(handler)).route_layer(host.layer());
    assert_eq!(send(app, host.get("/")).await.status, 200);
    host.faults.clear();
    assert_eq!(endings(&host).await, [(Outcome::Answered, Some(200))]);
}

#[tokio::test]
async fn a_client_that_leaves_before_its_key_is_verified_was_never_let_in() {
    let host = Host::new().await;
    let app = Router::new().route("/", get(|| async {})).route_layer(host.layer());
    host.faults.once(Method::Find, Fault::Hang);
    let request = tokio::spawn(send(app, host.get("/")));
    tokio::task::yield_now().await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    assert_eq!(host.faults.calls(Method::Find), 1);
    assert_eq!(endings(&host).await, []);
}

/// R44.
#[tokio::test]
async fn a_store_that_is_slow_is_waited_for_and_one_that_hangs_is_not() {
    let host = Host::new().await;
    let app = Router::new().route("/", get(|| async { "handled" })).route_layer(host.layer());
    for (fault, status) in [(Fault::Delay(Duration::from_secs(4)), 200), (Fault::Hang, 503)] {
        host.faults.once(Method::Find, fault);
        let request = tokio::spawn(send(app.clone(), host.get("/")));
        host.clock.advance(Duration::from_secs(3)).await;
        assert!(!request.is_finished());
        host.clock.advance(Duration::from_secs(3)).await;
        assert_eq!(request.await.unwrap().status, status);
    }
    assert_eq!(endings(&host).await, [(Outcome::Answered, Some(200))]);
}
