//! The tests that every adapter must pass, with axum.

use apikeys_test_adapters::{
    Adapter, Handler, HandlerResponse, Options, Reply, Request, Seen, Shown, adapter_tests,
};
use apikeys_tower::{ApiKeyLayer, ApiKeys, Caller, Denial, PeerAddr};
use axum::{
    Router,
    body::{Body, to_bytes},
    routing::any,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use tower::ServiceExt;

use crate::support::leave_refusal;

struct Tower;

impl Adapter for Tower {
    type App = Router;

    async fn app(keys: ApiKeys, options: Options, handler: Handler) -> Router {
        let handler = move |request: http::Request<Body>| {
            let handler = handler.clone();
            async move { respond(handler(seen(request).await).await) }
        };
        Router::new().route("/", any(handler)).route_layer(layer(keys, options))
    }

    async fn send(app: &Router, request: Request) -> Reply {
        let Request { method, uri, lines, body, peer } = request;
        let mut builder = http::Request::builder().method(method).uri(uri);
        for (name, value) in lines {
            builder = builder.header(name, value);
        }
        let mut request = builder.body(Body::from(body)).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(PeerAddr(peer));
        }
        let response = app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        leave_refusal(parts.status, &parts.headers, &body);
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        Reply {
            status: parts.status.as_u16(),
            lines: parts.headers.iter().map(line).collect(),
            body,
            denial: parts.extensions.get::<Denial>().copied(),
        }
    }
}

fn layer(keys: ApiKeys, options: Options) -> ApiKeyLayer {
    let Options { optional, keep_credential, sources, wording, trusted_hops, renderer } = options;
    let mut layer = ApiKeyLayer::new(keys).sources(sources).wording(wording).trusted_hops(trusted_hops);
    if optional {
        layer = layer.optional();
    }
    if keep_credential {
        layer = layer.keep_credential();
    }
    match renderer {
        Some(renderer) => layer.renderer(renderer),
        None => layer,
    }
}

async fn seen(request: http::Request<Body>) -> Seen {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Seen {
        org: parts.extensions.get::<Caller>().map(|caller| caller.org().to_string()),
        authorization: shown(&parts.headers, "authorization"),
        x_api_key: shown(&parts.headers, "x-api-key"),
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

fn shown(headers: &HeaderMap, name: &str) -> Shown {
    match headers.get(name) {
        None => Shown::Absent,
        Some(value) if value.is_sensitive() => Shown::Sensitive,
        Some(_) => Shown::Plain,
    }
}

fn respond(response: HandlerResponse) -> Response<Body> {
    let mut sent = Response::new(Body::from(response.body));
    *sent.status_mut() = StatusCode::from_u16(response.status).unwrap();
    for (name, value) in response.headers {
        sent.headers_mut().append(name, HeaderValue::from_static(value));
    }
    sent
}

adapter_tests!(
    #[tokio::test]
    Tower
);
