//! A request is one event on the audit log, however it ends.

#![allow(missing_docs, reason = "the name of each test says what is tested")]

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use apikeys_core::{
    audit::Outcome,
    conformance::faults::{Fault, Method},
};

use crate::{Adapter, Handler, HandlerResponse, Host, Options, Request};

pub async fn answered_request_adds_one_event_with_its_status_and_latency<A: Adapter>() {
    let host = Host::new().await;
    let clock = host.clock.clone();
    let slow: Handler = Arc::new(move |_| {
        let clock = clock.clone();
        Box::pin(async move {
            clock.advance(Duration::from_millis(25)).await;
            HandlerResponse::status(418)
        })
    });
    let app = host.app::<A>(Options::default(), slow).await;
    assert_eq!(host.call::<A>(&app).await.status, 418);
    assert_eq!(host.endings().await, [(Outcome::Answered, Some(418))]);
    assert_eq!(host.requests().await[0].latency, Duration::from_millis(25));
    assert_eq!(host.request_count().await, 1);
}

pub async fn denied_request_adds_an_event_and_no_count<A: Adapter>() {
    let host = Host::with_limit(1).await;
    let app = host.handled::<A>().await;
    host.call::<A>(&app).await;
    host.call::<A>(&app).await;
    A::send(&app, Request::get("/")).await;
    assert_eq!(host.endings().await, [(Outcome::Answered, Some(200)), (Outcome::Denied, Some(429))]);
    assert_eq!(host.request_count().await, 1);
}

pub async fn handler_that_answers_503_is_recorded_as_answered<A: Adapter>() {
    let host = Host::new().await;
    let handler: Handler = Arc::new(|_| Box::pin(async { HandlerResponse::status(503) }));
    let reply = host.call::<A>(&host.app::<A>(Options::default(), handler).await).await;
    assert_eq!((reply.status, &*reply.body), (503, ""));
    assert_eq!(host.endings().await, [(Outcome::Answered, Some(503))]);
}

pub async fn store_that_fails_during_the_handler_loses_no_response_and_no_event<A: Adapter>() {
    let host = Host::new().await;
    let faults = host.faults.clone();
    let handler: Handler = Arc::new(move |_| {
        faults.set_all(Fault::Error);
        Box::pin(async { HandlerResponse::ok("handled") })
    });
    let app = host.app::<A>(Options::default(), handler).await;
    assert_eq!(host.call::<A>(&app).await.status, 200);
    host.faults.clear();
    assert_eq!(host.endings().await, [(Outcome::Answered, Some(200))]);
}

pub async fn request_dropped_before_its_key_is_verified_is_not_recorded<A: Adapter>() {
    let host = Host::new().await;
    let app = host.handled::<A>().await;
    host.faults.once(Method::Find, Fault::Hang);
    let mut request = Box::pin(A::send(&app, host.request("/")));
    assert!(request.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(request);
    assert_eq!(host.faults.calls(Method::Find), 1);
    assert_eq!(host.endings().await, []);
}

pub async fn slow_store_delays_a_request_and_hanging_store_denies_it<A: Adapter>() {
    let host = Host::new().await;
    let app = host.handled::<A>().await;
    for (fault, status) in [(Fault::Delay(Duration::from_secs(4)), 200), (Fault::Hang, 503)] {
        host.faults.once(Method::Find, fault);
        let mut request = pin!(A::send(&app, host.request("/")));
        let mut poll = || request.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll().is_pending());
        host.clock.advance(Duration::from_secs(3)).await;
        assert!(poll().is_pending());
        host.clock.advance(Duration::from_secs(3)).await;
        assert_eq!(request.await.status, status);
    }
    assert_eq!(host.endings().await, [(Outcome::Answered, Some(200))]);
}
