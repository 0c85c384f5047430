use std::error::Error;

use apikeys_core::http::Headers;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{OriginalUri, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts, uri::Authority},
    response::Response,
    routing::any,
};

use crate::{Admin, AdminApi, AdminRequest, AdminResponse, RequestBody};

/// How to mount it in axum.
impl AdminApi {
    /// A router that serves `/api/…`, to be nested where the settings page is.
    ///
    /// It reads [`Admin`] from the request's extensions: a middleware around it asks the host's
    /// own login and puts it there. Where none is, the answer is 401.
    ///
    /// The crate's page has an example.
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
    let bytes;
    let body = match api.body_limit(admin, method, path) {
        None => RequestBody::Read(&[]),
        Some(limit) if declared_len(&parts.headers).is_some_and(|len| len > limit) => RequestBody::TooLong,
        Some(limit) => match to_bytes(body, limit).await {
            Ok(read) => {
                bytes = read;
                RequestBody::Read(&bytes)
            }
            Err(error) if is_too_long(&error) => RequestBody::TooLong,
            Err(_) => RequestBody::Incomplete,
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
    into_response(api.handle(admin, request).await)
}

fn declared_len(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn is_too_long(error: &axum::Error) -> bool {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// What a nest has cut off the path.
fn mount(parts: &Parts) -> &str {
    let whole = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |original| original.path());
    whole.strip_suffix(parts.uri.path()).unwrap_or_default()
}

/// The host of HTTP/2, which has no header for it.
fn authority(parts: &Parts) -> Option<&str> {
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

fn into_response(answer: AdminResponse) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
