use std::{fmt, sync::Arc};

use apikeys_core::Denial;
use axum_core::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{Request, StatusCode, request::Parts};

use crate::{Caller, guard::Guard};

/// Left by the layer in a request that it let through without a credential, so that an extractor
/// can tell such a request from one that no layer has seen.
#[derive(Clone)]
pub(crate) struct NoCredential(Arc<Guard>);

impl NoCredential {
    pub(crate) fn mark<B>(request: &mut Request<B>, guard: &Arc<Guard>) {
        request.extensions_mut().insert(Self(Arc::clone(guard)));
    }
}

/// Why there is no [`Caller`] to extract.
///
/// Without [`ApiKeyLayer`](crate::ApiKeyLayer) around the route it is a 500 that says how to fix
/// it. Under [`optional`](crate::ApiKeyLayer::optional) it is the layer's own answer to a missing
/// key; a handler that wants to serve such requests takes `Option<Caller>`.
#[derive(Clone)]
pub struct CallerRejection(Reason);

#[derive(Clone)]
enum Reason {
    NoLayer,
    NoCredential(NoCredential),
}

impl CallerRejection {
    /// Whether the host forgot the layer, as opposed to the client its key.
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

/// `None` for a request without a credential, under an optional layer.
impl<S: Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = CallerRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, CallerRejection> {
        look(parts).map(Result::ok)
    }
}

/// What the layer left.
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
