use std::{borrow::Cow, error::Error};

use apikeys_core::{
    ManageError,
    entropy::EntropyError,
    http::{FieldError, ManageErrorCode, PlainResponse, Wording},
};

/// Why a call is not carried out.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The request is refused before the keys are asked.
    Request(RequestRefusal),
    /// The management call failed.
    Failed(ManageError),
}

/// Why a request is refused before the keys are asked.
#[derive(Debug)]
pub(crate) struct RequestRefusal {
    code: ManageErrorCode,
    /// What to do about it; `None` for the code's own detail.
    detail: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    /// The value of the `Allow` header.
    allow: Option<String>,
}

impl Refusal {
    pub(crate) fn detailed(code: ManageErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Request(RequestRefusal { detail: Some(detail.into()), ..code.into() })
    }

    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        Self::Request(RequestRefusal { errors, ..ManageErrorCode::ValidationFailed.into() })
    }

    pub(crate) fn method_not_allowed(allow: String) -> Self {
        Self::Request(RequestRefusal { allow: Some(allow), ..ManageErrorCode::MethodNotAllowed.into() })
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> ManageErrorCode {
        match self {
            Self::Request(refusal) => refusal.code,
            Self::Failed(error) => error.code(),
        }
    }

    pub(crate) fn into_response(self, wording: &Wording) -> PlainResponse {
        match self {
            Self::Request(refusal) => refusal.into_response(wording),
            Self::Failed(error) => {
                log(&error);
                error.to_response_with(wording)
            }
        }
    }
}

impl RequestRefusal {
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

/// Logs what failed in the service itself. The client is not told, because it can do nothing about
/// it.
fn log(error: &ManageError) {
    if error.status() == 503 && !matches!(error, ManageError::Conflict) {
        let cause = error.source().map(tracing::field::display);
        tracing::error!(%error, cause, "a management call failed");
    }
}

impl From<ManageErrorCode> for RequestRefusal {
    fn from(code: ManageErrorCode) -> Self {
        Self { code, detail: None, errors: Vec::new(), allow: None }
    }
}

impl From<ManageErrorCode> for Refusal {
    fn from(code: ManageErrorCode) -> Self {
        Self::Request(code.into())
    }
}

impl From<ManageError> for Refusal {
    fn from(error: ManageError) -> Self {
        Self::Failed(error)
    }
}

impl From<EntropyError> for Refusal {
    fn from(error: EntropyError) -> Self {
        Self::Failed(error.into())
    }
}
