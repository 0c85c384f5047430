use std::{
    hint::black_box,
    sync::Arc,
    task::{Context, Poll},
};

use axum::http::{HeaderName, HeaderValue, Request, Response, header};
use futures_util::{FutureExt, future::Map};
use tower_layer::Layer;
use tower_service::Service;

use super::{Caller, LIMIT, POLICY, VALUES};

const NAMES: [HeaderName; 2] = [HeaderName::from_static(POLICY), HeaderName::from_static(LIMIT)];

/// Changes the headers like the layer for tower, for a service `S` or as a layer.
#[derive(Debug, Clone)]
pub struct HeadersOnly<S = ()> {
    inner: S,
    key: Arc<str>,
}

impl HeadersOnly {
    /// Creates the layer.
    #[must_use]
    pub fn layer() -> Self {
        Self { inner: (), key: "key".into() }
    }
}

impl<S> Layer<S> for HeadersOnly {
    type Service = HeadersOnly<S>;

    fn layer(&self, inner: S) -> HeadersOnly<S> {
        HeadersOnly { inner, key: Arc::clone(&self.key) }
    }
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
        request.extensions_mut().insert(Caller::new(&self.key));
        self.inner.call(request).map(|result| {
            result.map(|mut response| {
                for (name, value) in NAMES.into_iter().zip(VALUES) {
                    if let Ok(value) = HeaderValue::from_str(black_box(value)) {
                        response.headers_mut().insert(name, value);
                    }
                }
                response
            })
        })
    }
}
