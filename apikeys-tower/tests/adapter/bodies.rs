//! Tests of the response body with CORS, compression and gRPC.

use std::convert::Infallible;

use apikeys_tower::apikeys_core::{Denial, http::Authenticator};
use axum::{Router, body::Body, routing::get};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::{compression::CompressionLayer, cors::CorsLayer, decompression::DecompressionLayer};

use crate::support::{Host, HostExt as _, Reply, anonymous, send, with_lines};

#[tokio::test]
async fn denial_has_cors_headers_if_the_cors_layer_runs_first() {
    let host = Host::new().await;
    let app = Router::new()
        .route("/", get(|| async { "handled" }))
        .route_layer(host.layer())
        .layer(CorsLayer::permissive());
    let reply = send(app.clone(), with_lines("/", &[("origin", "https://app.example")])).await;
    assert_eq!(reply.code(), "MISSING_API_KEY");
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("access-control-expose-headers"), Some("*"));
    let preflight = Request::options("/")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization")
        .body(Body::empty())
        .unwrap();
    let reply = send(app, preflight).await;
    assert_eq!(reply.status, 200, "a preflight request needs no key");
    assert_eq!(reply.header("access-control-allow-headers"), Some("*"));
}

const LONG: &str = "the same thing over and over, the same thing over and over, the same thing over and over";

async fn gzipped(app: Router, lines: &[(&str, &str)], wanted: &str) {
    let mut lines = lines.to_vec();
    lines.push(("accept-encoding", "gzip"));
    let response = app.clone().oneshot(with_lines("/", &lines)).await.unwrap();
    let (parts, body) = response.into_parts();
    assert_eq!(parts.headers.get_all("content-encoding").iter().collect::<Vec<_>>(), ["gzip"]);
    let sent = body.collect().await.unwrap().to_bytes();
    assert!(sent.starts_with(&[0x1f, 0x8b]), "gzip's magic bytes");
    if let Some(length) = parts.headers.get("content-length") {
        assert_eq!(length.to_str().unwrap(), sent.len().to_string());
    }
    let reading = DecompressionLayer::new().layer(app);
    let reply =
        Reply::read(reading.oneshot(with_lines("/", &lines)).await.unwrap_or_else(|e| match e {})).await;
    assert_eq!(reply.body, wanted);
}

#[tokio::test]
async fn compression_works_before_and_after_the_key_is_verified() {
    let host = Host::new().await;
    let routes = || Router::new().route("/", get(|| async { LONG }));
    let around = routes().route_layer(host.layer()).layer(CompressionLayer::new());
    let within = routes().layer(CompressionLayer::new()).route_layer(host.layer());
    let bearer = host.bearer();
    for app in [around.clone(), within.clone()] {
        gzipped(app, &[("authorization", &*bearer)], LONG).await;
    }
    let denial = send(around.clone(), anonymous("/")).await.body;
    gzipped(around, &[], &denial).await;
    let reply = send(within, with_lines("/", &[("accept-encoding", "gzip")])).await;
    assert_eq!((reply.header("content-encoding"), &reply.body), (None, &denial));
}

#[tokio::test]
async fn body_reports_its_length_and_its_end() {
    let host = Host::new().await;
    let service = host.layer().layer(service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"handled"))))
    }));
    let refusal = Authenticator::new(host.keys.clone()).refusal(&Denial::Missing);
    for (request, whole) in [(anonymous("/"), &*refusal.body), (host.get("/"), b"handled")] {
        let length = u64::try_from(whole.len()).unwrap();
        let mut body = service.clone().oneshot(request).await.unwrap().into_body();
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(length), false));
        let data = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(data, whole);
        assert!(body.is_end_stream() && body.frame().await.is_none());
        assert_eq!(body.size_hint().exact(), Some(0));
    }
}

/// The responses of a gRPC service end with trailers, and its server boxes the body.
#[tokio::test]
async fn tonic_body_keeps_its_trailers() {
    fn boxed<B>(body: B) -> tonic::body::Body
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<tower::BoxError>,
    {
        tonic::body::Body::new(body)
    }

    let host = Host::new().await;
    let service = host.layer().layer(service_fn(|_: Request<tonic::body::Body>| async {
        let trailers = async {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            Some(Ok(trailers))
        };
        let body = Full::new(Bytes::from_static(b"message")).with_trailers(trailers);
        Ok::<_, Infallible>(Response::new(tonic::body::Body::new(body)))
    }));
    let call = |key: Option<String>| {
        let mut request = Request::post("/package.Service/Method").header("content-type", "application/grpc");
        if let Some(key) = key {
            request = request.header("authorization", key);
        }
        let request = request.body(tonic::body::Body::empty()).unwrap();
        let service = service.clone();
        async { Reply::read(service.oneshot(request).await.unwrap().map(boxed)).await }
    };
    let reply = call(Some(host.bearer())).await;
    assert_eq!(reply.body, "message");
    assert_eq!(reply.trailers.unwrap()["grpc-status"], "0");
    let reply = call(None).await;
    assert_eq!((reply.status.as_u16(), reply.code()), (401, "MISSING_API_KEY"));
}
