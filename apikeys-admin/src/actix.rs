use std::{future::poll_fn, pin::Pin};

use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, Scope,
    body::BoxBody,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
        uri::Authority,
    },
    web::{self, BytesMut, Payload},
};
use apikeys_core::http::Headers;
use futures_core::Stream;

use crate::{Admin, AdminApi, AdminRequest, AdminResponse, RequestBody};

/// Where the calls begin, below the mount.
const API: &str = "/api";

/// How to mount it in actix-web.
impl AdminApi {
    /// A scope that serves `/api/…`, to be a service of the scope where the settings page is.
    ///
    /// It reads [`Admin`] from the request's extensions: a middleware around it asks the host's
    /// own login and puts it there. Where none is, the answer is 401.
    ///
    /// Clone one `AdminApi` for every worker's `App`: one that is made for each takes no cursors of
    /// the others, unless they share a [`cursor_key`](Self::cursor_key). The crate's page has an
    /// example.
    #[must_use]
    pub fn into_scope(self) -> Scope {
        let handler = move |request: HttpRequest, payload: Payload| {
            let api = self.clone();
            async move { serve(&api, &request, payload).await }
        };
        web::scope(API).default_service(web::to(handler))
    }
}

async fn serve(api: &AdminApi, request: &HttpRequest, payload: Payload) -> HttpResponse {
    let admin = request.extensions().get::<Admin>().cloned();
    let (mount, path) = split(request);
    let method = request.method().as_str();
    let bytes;
    let body = match api.body_limit(admin.as_ref(), method, path) {
        None => RequestBody::Read(&[]),
        Some(limit) if declared_len(request.headers()).is_some_and(|len| len > limit) => RequestBody::TooLong,
        Some(limit) => match read(payload, limit).await {
            Ok(read) => {
                bytes = read;
                RequestBody::Read(&bytes)
            }
            Err(body) => body,
        },
    };
    let headers = Lines { map: request.headers(), authority: authority(request) };
    let request = AdminRequest { method, mount, path, query: request.uri().query(), headers: &headers, body };
    into_response(api.handle(admin.as_ref(), request).await)
}

/// Splits the path, as the client sent it, into the mount and the rest. The router tells how much
/// it has matched, but decodes the path first; slashes are what it leaves as they are.
fn split(request: &HttpRequest) -> (&str, &str) {
    let whole = request.uri().path();
    let slashes = API.matches('/').count() + request.match_info().unprocessed().matches('/').count();
    let start = whole.rmatch_indices('/').nth(slashes - 1).map_or(0, |(at, _)| at);
    whole.split_at(start)
}

fn declared_len(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// All of the body; or that it is too long, or was cut short.
async fn read(payload: Payload, limit: usize) -> Result<BytesMut, RequestBody<'static>> {
    let mut payload = payload.into_inner();
    let mut body = BytesMut::new();
    while let Some(chunk) = poll_fn(|cx| Pin::new(&mut payload).poll_next(cx)).await {
        let chunk = chunk.map_err(|_| RequestBody::Incomplete)?;
        if body.len() + chunk.len() > limit {
            return Err(RequestBody::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The host of HTTP/2, which has no header for it.
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

fn into_response(answer: AdminResponse) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::with_body(status, BoxBody::new(answer.body));
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
