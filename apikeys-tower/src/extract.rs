use std::{fmt, sync::Arc};

use apikeys_core::Denial;
use axum_core::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{Request, StatusCode, request::Parts};

use crate::{Caller, guard::Guard};

/// Marks a request that the layer let through without a credential. An extractor can tell it from a
/// request that no layer has seen.
#[derive(Clone)]
pub(crate) struct NoCredential(Arc<Guard>);

impl NoCredential {
    pub(crate) fn mark<B>(request: &mut Request<B>, guard: &Arc<Guard>) {
        request.extensions_mut().insert(Self(Arc::clone(guard)));
    }
}

/// Why the [`Caller`] extractor failed.
///
/// Without an [`ApiKeyLayer`](crate::ApiKeyLayer) around the route, the response is a 500 that says
/// how to fix it. Under [`optional`](crate::ApiKeyLayer::optional) the response is the layer's to a
/// missing key; a handler that serves such requests takes `Option<Caller>`.
#[derive(Clone)]
pub struct CallerRejection(Reason);

#[derive(Clone)]
enum Reason {
    NoLayer,
    NoCredential(NoCredential),
}

impl CallerRejection {
    /// Whether the layer is missing, and not the client's key.
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

/// Returns `None` for a request without a credential under an optional layer.
impl<S: Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = CallerRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, CallerRejection> {
        look(parts).map(Result::ok)
    }
}

/// Returns what the layer put into the request.
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
