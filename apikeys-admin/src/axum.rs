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
    incoming::{Incoming, Incomplete, Parts, Rest},
};

/// Mounting in axum.
impl AdminApi {
    /// Turns the API into a router that serves `/api/…`, to be nested where the settings page is.
    ///
    /// The router reads [`Admin`] from the request's extensions, where a middleware around the router
    /// puts the administrator that the host's own login found. Without one the response is 401.
    ///
    /// See the [crate's page](crate) for an example.
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
    let mut incoming = Incoming::new(body, declared_len(&parts.headers), awaits_continue(&parts.headers));
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
    let headers = Lines { map: &parts.headers, authority: authority(&parts) };
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

impl Parts for Body {
    type Part = Bytes;

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Incomplete>>> {
        let frame = ready!(Pin::new(self).poll_frame(cx));
        // Trailers are a part without bytes.
        let part = frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default()));
        Poll::Ready(part.map(|part| part.map_err(|_| Incomplete)))
    }
}

fn declared_len(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// hyper sends `100 Continue` when the body is first polled.
fn awaits_continue(headers: &HeaderMap) -> bool {
    headers.get(header::EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// The part of the path that a nest has removed.
fn mount(parts: &request::Parts) -> &str {
    let whole = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |original| original.path());
    whole.strip_suffix(parts.uri.path()).unwrap_or_default()
}

/// The host of an HTTP/2 request, which has no `Host` header.
fn authority(parts: &request::Parts) -> Option<&str> {
    if parts.headers.contains_key(header::HOST) { None } else { parts.uri.authority().map(Authority::as_str) }
}

struct Lines<'a> {
    map: &'a HeaderMap,
    authority: Option<&'a str>,
}

impl Headers for Lines<'_> {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        let authority = self.authority.filter(|_| name == "host").map(str::as_bytes);
        self.map.get_all(name).iter().map(HeaderValue::as_bytes).chain(authority)
    }
}

fn into_response(answer: PlainResponse) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
