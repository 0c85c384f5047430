use std::{borrow::Cow, error::Error};

use apikeys_core::{
    ManageError,
    entropy::EntropyError,
    http::{FieldError, ManageErrorCode, PlainResponse, Wording},
};

/// The error of a request to the API. The error becomes the response.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The request is invalid.
    Request(RequestError),
    /// The engine could not carry out the request.
    Failed(ManageError),
}

/// An invalid request.
#[derive(Debug)]
pub(crate) struct RequestError {
    code: ManageErrorCode,
    /// The detail of the problem. `None` means the default detail of the code.
    detail: Option<Cow<'static, str>>,
    /// The invalid members of the body.
    errors: Vec<FieldError>,
    /// The value of the `Allow` header. `None` means that the response has no such header.
    allow: Option<String>,
}

impl ApiError {
    /// Creates an error with its own detail in place of the default detail of the code.
    pub(crate) fn detailed(code: ManageErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Request(RequestError { detail: Some(detail.into()), ..code.into() })
    }

    /// Creates the error `VALIDATION_FAILED`.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        Self::Request(RequestError { errors, ..ManageErrorCode::ValidationFailed.into() })
    }

    /// Creates the error `METHOD_NOT_ALLOWED`. `allow` is the value of the `Allow` header.
    pub(crate) fn method_not_allowed(allow: String) -> Self {
        Self::Request(RequestError { allow: Some(allow), ..ManageErrorCode::MethodNotAllowed.into() })
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> ManageErrorCode {
        match self {
            Self::Request(error) => error.code,
            Self::Failed(error) => error.code(),
        }
    }

    pub(crate) fn into_response(self, wording: &Wording) -> PlainResponse {
        match self {
            Self::Request(error) => error.into_response(wording),
            Self::Failed(error) => {
                log(&error);
                error.to_response_with(wording)
            }
        }
    }
}

impl RequestError {
    fn into_response(self, wording: &Wording) -> PlainResponse {
        let Self { code, detail, errors, allow } = self;
        let mut problem = code.to_problem(wording);
        problem.errors = errors;
        if let Some(detail) = detail {
            problem.detail = detail;
        }
        let response = code.to_response(&problem);
        match allow {
            Some(methods) => response.with_header("allow", methods),
            None => response,
        }
    }
}

/// Logs an error that the client cannot correct. The response does not contain the message of the error.
fn log(error: &ManageError) {
    if error.status() == 503 && !matches!(error, ManageError::Conflict) {
        let cause = error.source().map(tracing::field::display);
        tracing::error!(%error, cause, "a request to the management API failed");
    }
}

impl From<ManageErrorCode> for RequestError {
    fn from(code: ManageErrorCode) -> Self {
        Self { code, detail: None, errors: Vec::new(), allow: None }
    }
}

impl From<ManageErrorCode> for ApiError {
    fn from(code: ManageErrorCode) -> Self {
        Self::Request(code.into())
    }
}

impl From<ManageError> for ApiError {
    fn from(error: ManageError) -> Self {
        Self::Failed(error)
    }
}

impl From<EntropyError> for ApiError {
    fn from(error: EntropyError) -> Self {
        Self::Failed(error.into())
    }
}
