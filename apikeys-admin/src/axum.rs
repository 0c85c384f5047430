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
    routing::{MethodRouter, any},
};

#[cfg(feature = "page")]
use crate::SettingsPage;
use crate::{
    Admin, AdminApi, AdminRequest, PlainResponse, RequestBody,
    incoming_body::{BodyParts, IncomingBody, IncompleteBody, Rest},
    mounted::Mounted,
};

/// The router for axum.
impl AdminApi {
    /// Creates a router with the endpoints of the API. The paths of the endpoints begin with `/api`. Nest the
    /// router below a path of your choice.
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
        Router::new().route("/api/{*call}", handler(Mounted::Api(self)))
    }
}

/// The router for axum.
#[cfg(feature = "page")]
impl SettingsPage {
    /// Creates a router with the page, its files and the endpoints of the API. Nest the router below a path of
    /// your choice.
    ///
    /// The router takes the [`Admin`] from the extensions of the request, like the router of
    /// [`AdminApi::into_router`].
    ///
    /// The [front page](crate#settings-page) has an example.
    pub fn into_router<S>(self) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        use crate::page::paths::{ASSETS, ELEMENT};

        let handler = handler(Mounted::Page(self));
        Router::new()
            .route("/", handler.clone())
            .route(ELEMENT, handler.clone())
            .route(&format!("{ASSETS}/{{*file}}"), handler.clone())
            .route("/api/{*call}", handler)
    }
}

fn handler<S>(mounted: Mounted) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    any(move |request: Request| {
        let mounted = mounted.clone();
        async move { serve(&mounted, request).await }
    })
}

async fn serve(api: &Mounted, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let admin = parts.extensions.get::<Admin>();
    let (mount, path) = split(&parts);
    let method = parts.method.as_str();
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
    let request = AdminRequest { method, mount, path, query: parts.uri.query(), headers: &headers, body };
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

/// Splits the path that the client sent into the part that `Router::nest` has removed, and the rest.
fn split(parts: &request::Parts) -> (&str, &str) {
    let path = parts.uri.path();
    let whole = parts.extensions.get::<OriginalUri>().map_or(path, |original| original.path());
    match whole.strip_suffix(path) {
        Some(mount) => (mount, path),
        // `Router::nest` passes the path of the nest itself as `/`.
        None if path == "/" => (whole, ""),
        None => ("", path),
    }
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
    fn lines(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let authority = self.authority.map(|authority| ("host", authority.as_bytes()));
        self.map.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).chain(authority)
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
