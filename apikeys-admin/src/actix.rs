use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, Scope,
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

use crate::{
    Admin, AdminApi, AdminRequest, PlainResponse, RequestBody,
    incoming::{Incoming, Incomplete, Parts, Rest},
};

/// The path below the mount that all calls have in common.
const API: &str = "/api";

/// Mounting in actix-web.
impl AdminApi {
    /// Turns the API into a scope that serves `/api/…`, to be a service of the scope where the
    /// settings page is.
    ///
    /// The scope reads [`Admin`] from the request's extensions, where a middleware around the scope
    /// puts the administrator that the host's own login found. Without one the response is 401.
    ///
    /// Create one `AdminApi` and clone it for the `App` of each worker. Workers that create their
    /// own refuse the cursors of the others, unless all have the same
    /// [`cursor_key`](Self::cursor_key).
    ///
    /// See the [crate's page](crate) for an example.
    #[must_use]
    pub fn into_scope(self) -> Scope {
        let handler = move |request: HttpRequest, payload: web::Payload| {
            let api = self.clone();
            async move { serve(&api, &request, payload.into_inner()).await }
        };
        web::scope(API).default_service(web::to(handler))
    }
}

async fn serve(api: &AdminApi, request: &HttpRequest, payload: Payload) -> HttpResponse {
    let admin = request.extensions().get::<Admin>().cloned();
    let (mount, path) = split(request);
    let method = request.method().as_str();
    // actix has sent `100 Continue` by now, where a client asked for it.
    let mut incoming = Incoming::new(payload, declared_len(request.headers()), false);
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
    let headers = Lines { map: request.headers(), authority: authority(request) };
    let request = AdminRequest { method, mount, path, query: request.uri().query(), headers: &headers, body };
    let mut response = into_response(api.handle(admin.as_ref(), request).await);
    if incoming.discard(api.clock()).await == Rest::Unread {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

impl Parts for Payload {
    type Part = Bytes;

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Incomplete>>> {
        Pin::new(self).poll_next(cx).map(|part| part.map(|part| part.map_err(|_| Incomplete)))
    }
}

/// Splits the path, as the client sent it, into the mount and the rest. The router reports how much
/// it has matched only after decoding, which keeps the number of slashes.
fn split(request: &HttpRequest) -> (&str, &str) {
    let whole = request.uri().path();
    let slashes = API.matches('/').count() + request.match_info().unprocessed().matches('/').count();
    let start = whole.rmatch_indices('/').nth(slashes - 1).map_or(0, |(at, _)| at);
    whole.split_at(start)
}

fn declared_len(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The host of an HTTP/2 request, which has no `Host` header.
fn authority(request: &HttpRequest) -> Option<&str> {
    if request.headers().contains_key(header::HOST) {
        None
    } else {
        request.uri().authority().map(Authority::as_str)
    }
}

struct Lines<'a> {
    map: &'a HeaderMap,
    authority: Option<&'a str>,
}

impl Headers for Lines<'_> {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        let authority = self.authority.filter(|_| name == "host").map(str::as_bytes);
        self.map.get_all(name).map(HeaderValue::as_bytes).chain(authority)
    }
}

fn into_response(answer: PlainResponse) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::with_body(status, BoxBody::new(answer.body));
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
