use schemars::{Schema, SchemaGenerator};

use crate::{ManageErrorCode, parameter::Parameter};

/// An endpoint of the API: a method and a path, with all that the OpenAPI document says about them.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// The path below the mount. `{id}` matches one segment.
    pub(crate) template: &'static str,
    pub(crate) endpoint: Endpoint,
    /// The name of the operation in the OpenAPI document, for generated clients.
    pub(crate) operation: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    pub(crate) parameters: &'static [Parameter],
    /// The content of the request's body. `None` if the endpoint does not use the body.
    pub(crate) body: Option<Content>,
    pub(crate) success: Success,
    /// The errors of this endpoint, in addition to [`COMMON_CODES`].
    pub(crate) codes: &'static [ManageErrorCode],
}

/// The errors that every endpoint can return.
pub(crate) const COMMON_CODES: &[ManageErrorCode] =
    &[ManageErrorCode::AdminRequired, ManageErrorCode::InvalidQuery];

/// The errors of requests whose method and path belong to no endpoint.
pub(crate) const UNROUTED_CODES: &[ManageErrorCode] =
    &[ManageErrorCode::NotFound, ManageErrorCode::MethodNotAllowed];

/// The handler of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    CreateKey,
    ListKeys,
    GetKey,
    UpdateKey,
    DeleteKey,
    ListEvents,
    GetUsage,
    GetPlan,
    GetDocument,
}

/// The content of a body in JSON.
pub(crate) struct Content {
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
    /// An example in JSON.
    pub(crate) example: &'static str,
}

/// The response of an endpoint to a request that succeeds.
pub(crate) struct Success {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    /// The content of the body. `None` if there is no body.
    pub(crate) content: Option<Content>,
}
