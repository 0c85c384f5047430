use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use apikeys_core::http::Headers;
use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::{OriginalUri, Request},
    http::{HeaderMap, HeaderValue, StatusCode, Version, header, request, uri::Authority},
    response::Response,
    routing::any,
};

use crate::{
    Admin, AdminApi, AdminRequest, PlainResponse, RequestBody,
    incoming_body::{BodyParts, IncomingBody, IncompleteBody, Rest},
};

/// The router for axum.
impl AdminApi {
    /// Creates a router with the endpoints of the API, whose paths begin with `/api`. Nest the router below a
    /// path of your choice.
    ///
    /// The router takes the [`Admin`] from the extensions of the request. A middleware around the router
    /// inserts the [`Admin`] after it has checked your service's login. If the [`Admin`] is missing, the
    /// response is 401.
    ///
    /// The [front page](crate) has an example.
    pub fn into_router<S>(self) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        let handler = move |request: Request| {
            let api = self.clone();
            async move { serve(&api, request).await }
        };
        Router::new().route("/api/{*call}", any(handler))
    }
}

async fn serve(api: &AdminApi, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let admin = parts.extensions.get::<Admin>();
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let mut incoming = IncomingBody::new(body, declared_len(&parts.headers), awaits_continue(&parts.headers));
    let bytes;
    let body = match api.body_limit(admin, method, path) {
        None => RequestBody::Read(&[]),
        Some(limit) => match incoming.read(limit).await {
            Ok(read) => {
                bytes = read;
                RequestBody::Read(&bytes)
            }
            Err(body) => body,
        },
    };
    let headers = RequestHeaders { map: &parts.headers, authority: authority(&parts) };
    let request = AdminRequest {
        method,
        mount: mount(&parts),
        path,
        query: parts.uri.query(),
        headers: &headers,
        body,
    };
    let mut response = into_response(api.handle(admin, request).await);
    let http_1 = parts.version <= Version::HTTP_11;
    if incoming.discard(api.clock()).await == Rest::Unread && http_1 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

impl BodyParts for Body {
    type Part = Bytes;

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, IncompleteBody>>> {
        let frame = ready!(Pin::new(self).poll_frame(cx));
        // Trailers become a part without bytes.
        let part = frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default()));
        Poll::Ready(part.map(|part| part.map_err(|_| IncompleteBody)))
    }
}

/// Returns the value of `Content-Length`, or `None` if it is missing or invalid.
fn declared_len(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Returns whether the client waits for `100 Continue`, which hyper sends when the body is first polled.
fn awaits_continue(headers: &HeaderMap) -> bool {
    headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Returns the part of the path that `Router::nest` has removed.
fn mount(parts: &request::Parts) -> &str {
    let whole = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |original| original.path());
    whole.strip_suffix(parts.uri.path()).unwrap_or_default()
}

/// Returns the host of an HTTP/2 request without a `Host` header, or `None` for other requests.
fn authority(parts: &request::Parts) -> Option<&str> {
    if parts.headers.contains_key(header::HOST) { None } else { parts.uri.authority().map(Authority::as_str) }
}

/// The headers of a request, with `host` for HTTP/2.
struct RequestHeaders<'a> {
    map: &'a HeaderMap,
    authority: Option<&'a str>,
}

impl Headers for RequestHeaders<'_> {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        let authority = self.authority.filter(|_| name == "host").map(str::as_bytes);
        self.map.get_all(name).iter().map(HeaderValue::as_bytes).chain(authority)
    }
}

fn into_response(plain: PlainResponse) -> Response {
    let mut response = Response::new(Body::from(plain.body));
    *response.status_mut() = StatusCode::from_u16(plain.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in plain.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
