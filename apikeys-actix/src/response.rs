use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use apikeys_core::http::PlainResponse;

/// Turns a response of the core into one of actix.
///
/// Handlers that manage keys answer errors with it:
///
/// ```
/// use apikeys_actix::{ManageError, to_response};
///
/// let response = to_response(ManageError::NotFound.to_response());
/// assert_eq!(response.status(), 404);
/// assert_eq!(response.headers().get("content-type").unwrap(), "application/problem+json");
/// ```
pub fn to_response(plain: PlainResponse) -> HttpResponse {
    let PlainResponse { status, headers, body, .. } = plain;
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
