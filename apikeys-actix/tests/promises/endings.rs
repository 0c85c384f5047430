//! However a request ends, it is one event on the audit log.

use std::{
    fmt,
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};

use actix_web::{
    App, Error, HttpResponse, ResponseError,
    dev::{Service, ServiceRequest, ServiceResponse},
    error::{ErrorForbidden, InternalError},
    http::StatusCode,
    middleware::{Next, from_fn},
    rt, test, web,
};
use apikeys_actix::apikeys_core::{
    audit::Outcome,
    conformance::faults::{Fault, Method},
};

use crate::support::{Host, Reply, anonymous, send, serving};

#[actix_web::test]
async fn an_answered_request_is_one_event_with_its_status_and_latency() {
    let host = Host::new().await;
    let clock = host.clock.clone();
    let slow = async move || {
        clock.advance(Duration::from_millis(25)).await;
        ("", StatusCode::IM_A_TEAPOT)
    };
    assert_eq!(send(&serving(host.middleware(), slow).await, host.get("/")).await.status, 418);
    assert_eq!(host.endings().await, [(Outcome::Answered, Some(418))]);
    assert_eq!(host.requests().await[0].latency, Duration::from_millis(25));
    assert_eq!(host.request_count().await, 1);
}

#[actix_web::test]
async fn a_refused_request_of_a_known_key_is_a_denied_event_and_not_counted() {
    let host = Host::with_limit(1).await;
    let app = serving(host.middleware(), async || "").await;
    send(&app, host.get("/")).await;
    send(&app, host.get("/")).await;
    send(&app, anonymous("/")).await;
    assert_eq!(host.endings().await, [(Outcome::Answered, Some(200)), (Outcome::Denied, Some(429))]);
    assert_eq!(host.request_count().await, 1);
}

#[actix_web::test]
async fn a_request_that_is_dropped_while_the_handler_runs_is_one_aborted_event() {
    let host = Host::new().await;
    let app = serving(host.middleware(), async || std::future::pending::<String>().await).await;
    let mut request = Box::pin(app.call(host.get("/").to_request()));
    assert!(request.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(host.endings().await, []);
    drop(request);
    assert_eq!(host.endings().await, [(Outcome::Aborted, None)]);
    assert_eq!(host.request_count().await, 1);
}

#[actix_web::test]
async fn a_request_that_is_never_polled_was_never_let_in() {
    let host = Host::new().await;
    let app = serving(host.middleware(), async || std::future::pending::<String>().await).await;
    drop(app.call(host.get("/").to_request()));
    assert_eq!(host.endings().await, []);
}

#[actix_web::test]
async fn a_handler_that_panics_is_one_aborted_event() {
    let host = Host::new().await;
    let panicking = async || -> String { panic!("in the handler") };
    let (middleware, request) = (host.middleware(), host.get("/"));
    let task = rt::spawn(async move { send(&serving(middleware, panicking).await, request).await });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(host.endings().await, [(Outcome::Aborted, None)]);
    assert_eq!(host.request_count().await, 1);
}

#[actix_web::test]
async fn a_handler_that_answers_503_is_answered_not_denied() {
    let host = Host::new().await;
    let app = serving(host.middleware(), async || HttpResponse::ServiceUnavailable()).await;
    let reply = send(&app, host.get("/")).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (503, ""));
    assert_eq!(host.endings().await, [(Outcome::Answered, Some(503))]);
}

#[actix_web::test]
async fn a_handler_that_fails_is_answered_with_its_errors_status() {
    let host = Host::new().await;
    let failing = async || Err::<String, _>(ErrorForbidden("not yours"));
    let reply = send(&serving(host.middleware(), failing).await, host.get("/")).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (403, "not yours"));
    assert_eq!(reply.header("ratelimit"), Some("\"per-key\";r=59;t=60"));
    assert_eq!(host.endings().await, [(Outcome::Answered, Some(403))]);
}

/// An error that says its status nowhere but in its response.
#[derive(Debug)]
struct Locked;

impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("locked")
    }
}

impl ResponseError for Locked {
    fn error_response(&self) -> HttpResponse {
        HttpResponse::Locked().insert_header(("ratelimit", "\"mine\";r=1")).body("locked")
    }
}

/// The answer to a request whose inner middleware fails, and the error itself.
async fn failing(host: &Host, fail: impl Fn() -> Error + Clone + 'static) -> (Reply, Error) {
    let within = move |_: ServiceRequest, _: Next<_>| {
        let error = fail();
        async { Err::<ServiceResponse, _>(error) }
    };
    let app = App::new()
        .service(web::resource("/").wrap(from_fn(within)).wrap(host.middleware()).to(async || "handled"));
    let app = test::init_service(app).await;
    (send(&app, host.get("/")).await, app.call(host.get("/").to_request()).await.unwrap_err())
}

#[actix_web::test]
async fn an_inner_middleware_that_fails_is_answered_as_what_the_client_gets() {
    let host = Host::new().await;
    let (reply, error) = failing(&host, || Locked.into()).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (423, "locked"));
    assert_eq!(reply.header("ratelimit"), Some("\"per-key\";r=59;t=60"), "ours replaces the error's");
    assert!(error.as_error::<Locked>().is_some(), "the error is still the same");
    assert_eq!(host.endings().await, vec![(Outcome::Answered, Some(423)); 2]);
}

#[actix_web::test]
async fn an_error_that_has_its_response_only_once_gives_it_to_the_client() {
    let host = Host::new().await;
    let once = || InternalError::from_response("gone", HttpResponse::Gone().body("gone")).into();
    let (reply, _) = failing(&host, once).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (410, "gone"));
    assert_eq!(reply.header("ratelimit"), Some("\"per-key\";r=59;t=60"));
    assert_eq!(host.endings().await, vec![(Outcome::Answered, Some(410)); 2]);
}

/// What could not be written waits; the client is answered meanwhile.
#[actix_web::test]
async fn a_store_that_goes_away_under_the_handler_costs_no_answer_and_no_event() {
    let host = Host::new().await;
    let faults = host.faults.clone();
    let handler = async move || {
        faults.set_all(Fault::Error);
        "handled"
    };
    assert_eq!(send(&serving(host.middleware(), handler).await, host.get("/")).await.status, 200);
    host.faults.clear();
    assert_eq!(host.endings().await, [(Outcome::Answered, Some(200))]);
}

#[actix_web::test]
async fn a_client_that_leaves_before_its_key_is_verified_was_never_let_in() {
    let host = Host::new().await;
    let app = serving(host.middleware(), async || "").await;
    host.faults.once(Method::Find, Fault::Hang);
    let mut request = Box::pin(send(&app, host.get("/")));
    assert!(request.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(request);
    assert_eq!(host.faults.calls(Method::Find), 1);
    assert_eq!(host.endings().await, []);
}

/// R44.
#[actix_web::test]
async fn a_store_that_is_slow_is_waited_for_and_one_that_hangs_is_not() {
    let host = Host::new().await;
    let app = serving(host.middleware(), async || "handled").await;
    for (fault, status) in [(Fault::Delay(Duration::from_secs(4)), 200), (Fault::Hang, 503)] {
        host.faults.once(Method::Find, fault);
        let mut request = pin!(send(&app, host.get("/")));
        let mut poll = || request.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll().is_pending());
        host.clock.advance(Duration::from_secs(3)).await;
        assert!(poll().is_pending());
        host.clock.advance(Duration::from_secs(3)).await;
        assert_eq!(request.await.status, status);
    }
    assert_eq!(host.endings().await, [(Outcome::Answered, Some(200))]);
}
