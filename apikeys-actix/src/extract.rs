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

/// Marks a request without a credential that an optional middleware passed on. An extractor can tell such a
/// request from the request of a route without the middleware.
#[derive(Clone)]
pub(crate) struct NoCredential(Arc<Guard>);

impl NoCredential {
    pub(crate) fn mark(request: &ServiceRequest, guard: &Arc<Guard>) {
        request.extensions_mut().insert(Self(Arc::clone(guard)));
    }
}

/// The reason why the [`Caller`] extractor failed.
///
/// If the route has no [`ApiKeyMiddleware`](crate::ApiKeyMiddleware), the status of the response is 500, and the body
/// says how to add the middleware. If the middleware is [`optional`](crate::ApiKeyMiddleware::optional) and the request
/// has no key, the response is a 401 with the denial [`Missing`](Denial::Missing).
#[derive(Clone)]
pub struct CallerRejection(Reason);

#[derive(Clone)]
enum Reason {
    NoMiddleware,
    NoCredential(NoCredential),
}

impl CallerRejection {
    /// Returns `true` if the route has no `ApiKeyMiddleware`, and `false` if the request has no key.
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

/// Returns the `Caller` that the middleware put into the request.
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
