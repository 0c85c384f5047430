use std::{fmt, sync::Arc};

use apikeys_core::Denial;
use axum_core::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{Request, StatusCode, request::Parts};

use crate::{Caller, guard::Guard};

/// Marks a request without a credential that an optional layer passed on. An extractor can tell such a request
/// from the request of a route without a layer.
#[derive(Clone)]
pub(crate) struct NoCredential(Arc<Guard>);

impl NoCredential {
    pub(crate) fn mark<B>(request: &mut Request<B>, guard: &Arc<Guard>) {
        request.extensions_mut().insert(Self(Arc::clone(guard)));
    }
}

/// The reason why the [`Caller`] extractor failed.
///
/// If the route has no [`ApiKeyLayer`](crate::ApiKeyLayer), the status of the response is 500, and the body
/// says how to add the layer. If the layer is [`optional`](crate::ApiKeyLayer::optional) and the request
/// has no key, the response is a 401 with the denial [`Missing`](Denial::Missing).
#[derive(Clone)]
pub struct CallerRejection(Reason);

#[derive(Clone)]
enum Reason {
    NoLayer,
    NoCredential(NoCredential),
}

impl CallerRejection {
    /// Returns `true` if the route has no `ApiKeyLayer`, and `false` if the request has no key.
    #[must_use]
    pub fn is_missing_layer(&self) -> bool {
        matches!(self.0, Reason::NoLayer)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = CallerRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, CallerRejection> {
        look(parts)?.map_err(|passed| CallerRejection(Reason::NoCredential(passed)))
    }
}

/// Returns `None` if the request has no credential and the layer is optional.
impl<S: Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = CallerRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, CallerRejection> {
        look(parts).map(Result::ok)
    }
}

/// Returns the `Caller` or the mark that the layer put into the request.
fn look(parts: &Parts) -> Result<Result<Caller, NoCredential>, CallerRejection> {
    if let Some(caller) = parts.extensions.get::<Caller>() {
        return Ok(Ok(caller.clone()));
    }
    match parts.extensions.get::<NoCredential>() {
        Some(passed) => Ok(Err(passed.clone())),
        None => Err(CallerRejection(Reason::NoLayer)),
    }
}

impl IntoResponse for CallerRejection {
    fn into_response(self) -> Response {
        match self.0 {
            Reason::NoLayer => (StatusCode::INTERNAL_SERVER_ERROR, NO_LAYER).into_response(),
            Reason::NoCredential(NoCredential(guard)) => guard.refuse(Denial::Missing).map(Body::from),
        }
    }
}

const NO_LAYER: &str = "The `Caller` extractor found no `ApiKeyLayer` around this route. \
    Add `.route_layer(ApiKeyLayer::new(keys))` after the routes that use it.";

impl fmt::Display for CallerRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Reason::NoLayer => NO_LAYER,
            Reason::NoCredential(_) => "the request has no API key",
        })
    }
}

impl fmt::Debug for CallerRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerRejection").field("missing_layer", &self.is_missing_layer()).finish()
    }
}

impl std::error::Error for CallerRejection {}
