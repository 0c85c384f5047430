use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use apikeys_core::http::PlainResponse;

/// Converts a [`ManageError`](crate::ManageError), or a [`PlainResponse`] of the core, into a response of
/// actix-web.
///
/// The response to a `ManageError` is the one that the API of [apikeys-admin](https://docs.rs/apikeys-admin)
/// sends.
///
/// ```
/// use apikeys_actix::{ManageError, response};
///
/// let response = response(&ManageError::NotFound);
/// assert_eq!(response.status(), 404);
/// assert_eq!(response.headers().get("content-type").unwrap(), "application/problem+json");
/// ```
pub fn response(from: impl Into<PlainResponse>) -> HttpResponse {
    let PlainResponse { status, headers, body, .. } = from.into();
    // An invalid status is never a success.
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::new(status).set_body(body).map_into_boxed_body();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
