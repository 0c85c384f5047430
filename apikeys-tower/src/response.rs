use apikeys_core::http::PlainResponse;
use http::{HeaderName, HeaderValue, Response, StatusCode};

/// Converts a [`ManageError`](crate::ManageError), or a [`PlainResponse`] of the core, into a response of the
/// `http` crate.
///
/// The response to a `ManageError` is the one that the API of [apikeys-admin](https://docs.rs/apikeys-admin)
/// sends. The body can have any type that
/// is made from bytes, such as the body of axum's `Response`.
///
/// ```
/// use apikeys_tower::{ManageError, response};
///
/// let response: http::Response<Vec<u8>> = response(&ManageError::NotFound);
/// assert_eq!(response.status(), 404);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// ```
pub fn response<B: From<Vec<u8>>>(from: impl Into<PlainResponse>) -> Response<B> {
    let PlainResponse { status, headers, body, .. } = from.into();
    let mut response = Response::new(B::from(body));
    // An invalid status is never a success.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
