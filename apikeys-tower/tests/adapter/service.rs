//! Tests with tower services: readiness, errors and concurrent requests.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use apikeys_tower::{ApiKeyService, Caller};
use axum::body::Body;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Bytes;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::{Host, HostExt as _, Reply, anonymous, send};

/// A service whose clones are not ready, like the clones of `Buffer` and `ConcurrencyLimit`.
#[derive(Default)]
struct ReadyOnce {
    ready: bool,
    served: Arc<AtomicUsize>,
}

impl Clone for ReadyOnce {
    fn clone(&self) -> Self {
        Self { ready: false, served: Arc::clone(&self.served) }
    }
}

impl<B> Service<Request<B>> for ReadyOnce {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without being ready");
        self.served.fetch_add(1, Ordering::SeqCst);
        std::future::ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn request_is_sent_to_the_inner_service_that_was_polled_to_readiness() {
    let host = Host::new().await;
    for (layer, request) in [
        (host.layer(), host.get("/")),
        (host.layer().optional(), anonymous("/")),
        (host.layer().optional(), host.get("/")),
    ] {
        let inner = ReadyOnce::default();
        let served = Arc::clone(&inner.served);
        let mut service: ApiKeyService<ReadyOnce> = layer.layer(inner);
        for request in [request, host.get("/"), host.get("/"), host.get("/")] {
            ServiceExt::<Request<Body>>::ready(&mut service).await.unwrap().call(request).await.unwrap();
        }
        assert_eq!(served.load(Ordering::SeqCst), 4);
    }
}

#[tokio::test]
async fn plain_tower_service_finds_the_caller_in_the_extensions() {
    let host = Host::new().await;
    let inner = service_fn(|request: Request<Body>| async move {
        let caller: &Caller = request.extensions().get().unwrap();
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(caller.org().to_string()))))
    });
    let service = host.layer().layer(inner);
    assert_eq!(send(service, host.get("/")).await.body, "org_1");
}

#[tokio::test]
async fn error_of_the_inner_service_passes_through_and_a_denial_is_a_response() {
    let host = Host::new().await;
    let failing = service_fn(|_: Request<Body>| async { Err::<Response<Full<Bytes>>, _>("broken") });
    let service = host.layer().layer(failing);
    assert_eq!(service.clone().oneshot(host.get("/")).await.unwrap_err(), "broken");
    let reply = Reply::read(service.oneshot(anonymous("/")).await.unwrap()).await;
    assert_eq!(reply.code(), "MISSING_API_KEY", "a denial is a response, not an error");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn limit_of_100_admits_exactly_100_of_400_concurrent_requests() {
    let host = Host::with_limit(100).await;
    let handled = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&handled);
    let inner = service_fn(move |_: Request<Body>| {
        counter.fetch_add(1, Ordering::SeqCst);
        async {
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let service = host.layer().layer(inner);
    let tasks: Vec<_> = (0..400).map(|_| tokio::spawn(send(service.clone(), host.get("/")))).collect();
    let mut limited = 0;
    for task in tasks {
        match task.await.unwrap().status.as_u16() {
            200 => {}
            429 => limited += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((handled.load(Ordering::SeqCst), limited), (100, 300));
    assert_eq!(host.request_count().await, 100);
    let requests = host.requests().await;
    let (admitted, denied): (Vec<_>, Vec<_>) =
        requests.iter().partition(|request| request.outcome.is_admitted());
    assert_eq!(admitted.len(), 100);
    assert_eq!(denied.iter().map(|denial| denial.requests()).sum::<u32>(), 300);
}
