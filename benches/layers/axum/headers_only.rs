//! The changes of headers and extensions that our layer makes, and nothing else: no key is verified, limited or recorded.
//! A layer that does what ours does cannot take less time than this one.

use std::{
    hint::black_box,
    sync::Arc,
    task::{Context, Poll},
};

use axum::http::{HeaderName, HeaderValue, Request, Response, header};
use futures_util::{FutureExt, future::Map};
use tower_layer::layer_fn;
use tower_service::Service;

use super::{bearer, routes};
use crate::rounds::Timed;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Returns the service with the layer.
pub(super) fn timed<'a>(secrets: &[String]) -> Timed<'a> {
    let key: Arc<str> = "key".into();
    let router = routes().layer(layer_fn(move |inner| HeadersOnly { inner, key: Arc::clone(&key) }));
    super::timed("the changes of headers alone", router, secrets, bearer)
}

#[derive(Clone)]
struct HeadersOnly<S> {
    inner: S,
    key: Arc<str>,
}

/// What a handler would learn about the key of a request.
#[derive(Clone)]
struct Caller {
    _key: Arc<str>,
    _limit: u32,
    _remaining: u32,
}

impl<S, B, R> Service<Request<B>> for HeadersOnly<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Map<S::Future, fn(Result<Response<R>, S::Error>) -> Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.headers_mut().remove(header::AUTHORIZATION);
        let caller = Caller { _key: Arc::clone(&self.key), _limit: 10_000, _remaining: 9_999 };
        request.extensions_mut().insert(caller);
        self.inner.call(request).map(|result| {
            result.map(|mut response| {
                for (name, value) in
                    [(POLICY, "\"per-key\";q=10000;w=60"), (LIMIT, "\"per-key\";r=9999;t=60")]
                {
                    if let Ok(value) = HeaderValue::from_str(black_box(value)) {
                        response.headers_mut().insert(name, value);
                    }
                }
                response
            })
        })
    }
}
