use apikeys_core::http::PlainResponse;
use http::{HeaderName, HeaderValue, Response, StatusCode};

/// Turns a response of the core into one of the `http` crate, with any body that can be made from
/// bytes. axum's `Response` is one.
///
/// Handlers that manage keys answer errors with it:
///
/// ```
/// use apikeys_tower::{ManageError, to_response};
///
/// let response: http::Response<Vec<u8>> = to_response(ManageError::NotFound.to_response());
/// assert_eq!(response.status(), 404);
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// ```
pub fn to_response<B: From<Vec<u8>>>(plain: PlainResponse) -> Response<B> {
    let PlainResponse { status, headers, body, .. } = plain;
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
