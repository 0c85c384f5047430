//! Tests of how the end of a request is recorded.

use std::{
    fmt,
    task::{Context, Waker},
};

use actix_web::{
    App, Error, HttpResponse, ResponseError,
    dev::{Service, ServiceRequest, ServiceResponse},
    error::{ErrorForbidden, InternalError},
    middleware::{Next, from_fn},
    rt, test, web,
};
use apikeys_actix::apikeys_core::audit::Outcome;

use crate::support::{Host, HostExt as _, Reply, send, serving};

#[actix_web::test]
async fn request_dropped_while_the_handler_runs_is_one_aborted_event() {
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
async fn request_that_is_never_polled_is_not_recorded() {
    let host = Host::new().await;
    let app = serving(host.middleware(), async || std::future::pending::<String>().await).await;
    drop(app.call(host.get("/").to_request()));
    assert_eq!(host.endings().await, []);
}

#[actix_web::test]
async fn handler_that_panics_is_one_aborted_event() {
    let host = Host::new().await;
    let panicking = async || -> String { panic!("in the handler") };
    let (middleware, request) = (host.middleware(), host.get("/"));
    let task = rt::spawn(async move { send(&serving(middleware, panicking).await, request).await });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(host.endings().await, [(Outcome::Aborted, None)]);
    assert_eq!(host.request_count().await, 1);
}

#[actix_web::test]
async fn handler_that_returns_an_error_is_recorded_with_the_status_of_the_error() {
    let host = Host::new().await;
    let failing = async || Err::<String, _>(ErrorForbidden("not yours"));
    let reply = send(&serving(host.middleware(), failing).await, host.get("/")).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (403, "not yours"));
    assert_eq!(reply.header("ratelimit"), Some("\"per-key\";r=59;t=60"));
    assert_eq!(host.endings().await, [(Outcome::Answered, Some(403))]);
}

/// An error that sets its status only in its response.
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

/// Returns the response to a request whose inner middleware fails, and the error itself.
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
async fn inner_middleware_that_returns_an_error_is_recorded_with_the_status_that_is_sent() {
    let host = Host::new().await;
    let (reply, error) = failing(&host, || Locked.into()).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (423, "locked"));
    assert_eq!(
        reply.header("ratelimit"),
        Some("\"per-key\";r=59;t=60"),
        "the header of the error is replaced"
    );
    assert!(error.as_error::<Locked>().is_some(), "the error keeps its type");
    assert_eq!(host.endings().await, vec![(Outcome::Answered, Some(423)); 2]);
}

#[actix_web::test]
async fn error_that_makes_its_response_only_once_sends_that_response() {
    let host = Host::new().await;
    let once = || InternalError::from_response("gone", HttpResponse::Gone().body("gone")).into();
    let (reply, _) = failing(&host, once).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (410, "gone"));
    assert_eq!(reply.header("ratelimit"), Some("\"per-key\";r=59;t=60"));
    assert_eq!(host.endings().await, vec![(Outcome::Answered, Some(410)); 2]);
}
