use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, Route, Scope,
    body::BoxBody,
    dev::Payload,
    http::{
        ConnectionType, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
        uri::Authority,
    },
    web::{self, Bytes},
};
use apikeys_core::http::Headers;
use futures_core::Stream;

#[cfg(feature = "page")]
use crate::SettingsPage;
use crate::{
    Admin, AdminApi, AdminRequest, PlainResponse, RequestBody,
    incoming_body::{BodyParts, IncomingBody, IncompleteBody, Rest},
    mounted::Mounted,
};
#[cfg(feature = "page")]
use actix_web::dev::HttpServiceFactory;

/// The beginning of the path below the mount, which all endpoints share.
const API: &str = "/api";

/// The scope for actix-web.
impl AdminApi {
    /// Creates a scope with the endpoints of the API. The paths of the endpoints begin with `/api`. Register the
    /// scope as a service of another scope with a path of your choice.
    ///
    /// The scope takes the [`Admin`] from the extensions of the request. A middleware around the scope inserts
    /// the [`Admin`] after it has checked your service's login. If the [`Admin`] is missing, the response is
    /// 401.
    ///
    /// Create one `AdminApi` per process and clone it for each worker. An `AdminApi` rejects the cursors of
    /// another `AdminApi`, unless both have the same [`cursor_key`](Self::cursor_key).
    ///
    /// The [front page](crate) has an example.
    #[must_use]
    pub fn into_scope(self) -> Scope {
        scope(API, &Mounted::Api(self))
    }
}

/// The services for actix-web.
#[cfg(feature = "page")]
impl SettingsPage {
    /// Creates services with the page, its files and the endpoints of the API. Register the services in a scope
    /// with a path of your choice.
    ///
    /// The services take the [`Admin`] from the extensions of the request, like the scope of
    /// [`AdminApi::into_scope`]. Create one `SettingsPage` per process and clone it for each worker.
    ///
    /// The [front page](crate#settings-page) has an example.
    #[must_use]
    pub fn into_services(self) -> impl HttpServiceFactory + 'static {
        use crate::page::paths::{ASSETS, ELEMENT};

        let mounted = Mounted::Page(self);
        let page = |path: &str, rest| web::resource(path).route(route(&mounted, rest));
        (page("", ""), page("/", "/"), page(ELEMENT, ELEMENT), scope(ASSETS, &mounted), scope(API, &mounted))
    }
}

/// A scope for all paths that begin with `prefix`, which is a slash and one segment.
fn scope(prefix: &'static str, mounted: &Mounted) -> Scope {
    web::scope(prefix).default_service(route(mounted, prefix))
}

/// A route whose service is registered for the path `pattern` below the mount.
fn route(mounted: &Mounted, pattern: &'static str) -> Route {
    let mounted = mounted.clone();
    web::to(move |request: HttpRequest, payload: web::Payload| {
        let mounted = mounted.clone();
        async move { serve(&mounted, pattern, &request, payload.into_inner()).await }
    })
}

async fn serve(api: &Mounted, pattern: &str, request: &HttpRequest, payload: Payload) -> HttpResponse {
    let admin = request.extensions().get::<Admin>().cloned();
    let (mount, path) = split(request, pattern);
    let method = request.method().as_str();
    // actix-web has already sent `100 Continue` if the client waits for it.
    let mut incoming = IncomingBody::new(payload, declared_len(request.headers()), false);
    let bytes;
    let body = match api.body_limit(admin.as_ref(), method, path) {
        None => RequestBody::Read(&[]),
        Some(limit) => match incoming.read(limit).await {
            Ok(read) => {
                bytes = read;
                RequestBody::Read(&bytes)
            }
            Err(body) => body,
        },
    };
    let headers = RequestHeaders { map: request.headers(), authority: authority(request) };
    let request = AdminRequest { method, mount, path, query: request.uri().query(), headers: &headers, body };
    let mut response = into_response(api.handle(admin.as_ref(), request).await);
    if incoming.discard(api.clock()).await == Rest::Unread {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

impl BodyParts for Payload {
    type Part = Bytes;

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, IncompleteBody>>> {
        Pin::new(self).poll_next(cx).map(|part| part.map(|part| part.map_err(|_| IncompleteBody)))
    }
}

/// Splits the path that the client sent into the mount and the rest.
///
/// The router says which part of the decoded path is left, but the API compares paths without decoding.
/// Decoding keeps the number of slashes, so the slashes show where to split.
fn split<'a>(request: &'a HttpRequest, pattern: &str) -> (&'a str, &'a str) {
    let whole = request.uri().path();
    let slashes = pattern.matches('/').count() + request.match_info().unprocessed().matches('/').count();
    let Some(before) = slashes.checked_sub(1) else { return (whole, "") };
    let start = whole.rmatch_indices('/').nth(before).map_or(0, |(at, _)| at);
    whole.split_at(start)
}

/// Returns the value of `Content-Length`, or `None` if it is missing or invalid.
fn declared_len(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Returns the host of an HTTP/2 request without a `Host` header, or `None` for other requests.
fn authority(request: &HttpRequest) -> Option<&str> {
    if request.headers().contains_key(header::HOST) {
        None
    } else {
        request.uri().authority().map(Authority::as_str)
    }
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

fn into_response(plain: PlainResponse) -> HttpResponse {
    let status = StatusCode::from_u16(plain.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::with_body(status, BoxBody::new(plain.body));
    for (name, value) in plain.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
