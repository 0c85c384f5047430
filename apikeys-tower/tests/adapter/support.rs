//! Requests and responses for the tests, as types of the `http` crate.

use std::{convert::Infallible, fmt};

pub use apikeys_test_adapters::Host;
use apikeys_test_leftovers::of_this_process;
use apikeys_tower::ApiKeyLayer;
use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};

/// The test service as a layer and its requests.
pub trait HostExt {
    fn layer(&self) -> ApiKeyLayer;

    /// A `GET` request with the key.
    fn get(&self, uri: &str) -> Request<Body>;
}

impl HostExt for Host {
    fn layer(&self) -> ApiKeyLayer {
        ApiKeyLayer::new(self.keys.clone())
    }

    fn get(&self, uri: &str) -> Request<Body> {
        with_lines(uri, &[("authorization", &self.bearer())])
    }
}

/// Writes a denial to the file that is searched for leaked secrets.
pub fn leave_refusal(status: StatusCode, headers: &HeaderMap, body: &str) {
    if status.is_client_error() || status.is_server_error() {
        of_this_process().leave("refusals.txt", &format!("{status} {headers:?} {body}"));
    }
}

/// A `GET` request without a key.
pub fn anonymous(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).unwrap()
}

/// A `GET` request with these header lines.
pub fn with_lines(uri: &str, lines: &[(&str, &str)]) -> Request<Body> {
    let request =
        lines.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
    request.body(Body::empty()).unwrap()
}

/// A response that was read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    #[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "read by the tests of extractors"))]
    pub extensions: http::Extensions,
    pub body: String,
    pub trailers: Option<HeaderMap>,
}

impl Reply {
    pub async fn read<B>(response: Response<B>) -> Self
    where
        B: http_body::Body,
        B::Error: fmt::Debug,
    {
        let (parts, body) = response.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned();
        let body = String::from_utf8(collected.to_bytes().to_vec()).unwrap();
        let http::response::Parts { status, headers, extensions, .. } = parts;
        leave_refusal(status, &headers, &body);
        Self { status, headers, extensions, body, trailers }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.get_all(name).iter();
        let first = lines.next().map(|value| value.to_str().unwrap());
        assert_eq!(lines.next(), None, "{name} has one line at most");
        first
    }

    /// The code of a denial.
    pub fn code(&self) -> &str {
        let rest = self.body.split_once("\"code\":\"").expect(&self.body).1;
        rest.split_once('"').unwrap().0
    }
}

/// Sends one request.
pub async fn send<S, R, B>(service: S, request: Request<R>) -> Reply
where
    S: Service<Request<R>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body,
    B::Error: fmt::Debug,
{
    Reply::read(service.oneshot(request).await.unwrap()).await
}
