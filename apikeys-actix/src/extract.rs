use std::{
    fmt,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    dev::{Payload, ServiceRequest},
    http::StatusCode,
};
use apikeys_core::Denial;

use crate::{Caller, guard::Guard};

/// Marks a request that the middleware let through without a credential. An extractor can tell it
/// from a request that no middleware has seen.
#[derive(Clone)]
pub(crate) struct NoCredential(Arc<Guard>);

impl NoCredential {
    pub(crate) fn mark(request: &ServiceRequest, guard: &Arc<Guard>) {
        request.extensions_mut().insert(Self(Arc::clone(guard)));
    }
}

/// Why the [`Caller`] extractor failed.
///
/// Without an [`ApiKeyMiddleware`](crate::ApiKeyMiddleware) around the route, the response is a 500
/// that says how to fix it. Under [`optional`](crate::ApiKeyMiddleware::optional) the response is the
/// middleware's to a missing key; a handler that serves such requests takes `Option<Caller>`.
#[derive(Clone)]
pub struct CallerRejection(Reason);

#[derive(Clone)]
enum Reason {
    NoMiddleware,
    NoCredential(NoCredential),
}

impl CallerRejection {
    /// Whether the middleware is missing, and not the client's key.
    #[must_use]
    pub fn is_missing_middleware(&self) -> bool {
        matches!(self.0, Reason::NoMiddleware)
    }
}

impl FromRequest for Caller {
    type Error = CallerRejection;
    type Future = Ready<Result<Self, CallerRejection>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(look(request).map_err(CallerRejection))
    }
}

/// Returns what the middleware put into the request.
fn look(request: &HttpRequest) -> Result<Caller, Reason> {
    let extensions = request.extensions();
    if let Some(caller) = extensions.get::<Caller>() {
        return Ok(caller.clone());
    }
    match extensions.get::<NoCredential>() {
        Some(passed) => Err(Reason::NoCredential(passed.clone())),
        None => Err(Reason::NoMiddleware),
    }
}

impl ResponseError for CallerRejection {
    fn status_code(&self) -> StatusCode {
        self.error_response().status()
    }

    fn error_response(&self) -> HttpResponse {
        match &self.0 {
            Reason::NoMiddleware => HttpResponse::InternalServerError().body(NO_MIDDLEWARE),
            Reason::NoCredential(NoCredential(guard)) => guard.refuse(Denial::Missing),
        }
    }
}

const NO_MIDDLEWARE: &str = "The `Caller` extractor found no `ApiKeyMiddleware` around this route. \
    Add `.wrap(ApiKeyMiddleware::new(keys))` to its resource, its scope or the app.";

impl fmt::Display for CallerRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Reason::NoMiddleware => NO_MIDDLEWARE,
            Reason::NoCredential(_) => "the request has no API key",
        })
    }
}

impl fmt::Debug for CallerRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerRejection").field("missing_middleware", &self.is_missing_middleware()).finish()
    }
}

impl std::error::Error for CallerRejection {}
