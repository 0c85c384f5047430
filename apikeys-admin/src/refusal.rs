use std::{borrow::Cow, error::Error};

use apikeys_core::{ManageError, entropy::EntropyError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{AdminResponse, ErrorCode, body::schema};

/// Why a call is not carried out. Becomes a problem body.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: ErrorCode,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    quota: Option<(u32, u32)>,
    header: Option<(&'static str, String)>,
}

/// One member of the body that is wrong.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct FieldError {
    /// Which member: a JSON Pointer (RFC 6901), empty for the body itself.
    pub(crate) pointer: String,
    /// What is wrong with it.
    pub(crate) detail: Cow<'static, str>,
}

/// An error: RFC 9457 problem details with a stable `code`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Problem<'a> {
    /// What kind of problem; a URI that is compared, not fetched.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: &'static str,
    /// The response's status.
    #[schemars(with = "schema::HttpStatus")]
    status: u16,
    /// What to do.
    detail: &'a str,
    /// What programs go by.
    #[schemars(with = "schema::Code")]
    code: &'static str,
    /// With `VALIDATION_FAILED`: every member of the body that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<FieldError>")]
    errors: Option<&'a [FieldError]>,
    /// With `KEY_LIMIT_REACHED`: how many keys the plan allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    quota: Option<u32>,
    /// With `KEY_LIMIT_REACHED`: how many keys there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    used: Option<u32>,
}

impl Refusal {
    pub(crate) fn detailed(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), quota: None, header: None }
    }

    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        Self { errors, ..ErrorCode::ValidationFailed.into() }
    }

    pub(crate) fn key_limit(quota: u32, used: u32) -> Self {
        Self { quota: Some((quota, used)), ..ErrorCode::KeyLimitReached.into() }
    }

    pub(crate) fn method_not_allowed(allow: String) -> Self {
        Self { header: Some(("allow", allow)), ..ErrorCode::MethodNotAllowed.into() }
    }

    fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        let header = Some(("retry-after", "1".to_owned()));
        Self { header, ..Self::detailed(ErrorCode::ManagementUnavailable, detail) }
    }

    pub(crate) fn problem(&self, types: &str) -> Problem<'_> {
        let code = self.code;
        Problem {
            kind: format!("{types}{}", code.as_str().to_ascii_lowercase().replace('_', "-")),
            title: code.title(),
            status: code.status(),
            detail: &self.detail,
            code: code.as_str(),
            errors: (!self.errors.is_empty()).then_some(&*self.errors),
            quota: self.quota.map(|(quota, _)| quota),
            used: self.quota.map(|(_, used)| used),
        }
    }

    pub(crate) fn into_response(self, types: &str) -> AdminResponse {
        // Strings and numbers only: this cannot fail.
        let body = serde_json::to_vec(&self.problem(types)).unwrap_or_default();
        let mut response = AdminResponse::new(self.code.status(), "application/problem+json", body);
        response.headers.extend(self.header);
        response
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::detailed(code, code.detail())
    }
}

impl From<ManageError> for Refusal {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::NotFound => ErrorCode::KeyNotFound.into(),
            ManageError::ApiAccessNotAvailable => ErrorCode::ApiAccessNotAvailable.into(),
            ManageError::KeyLimitReached { quota, used } => {
                // A plan without a quota has no limit to reach.
                Self::key_limit(quota.limit().unwrap_or(u32::MAX), used)
            }
            ManageError::ExpiresInThePast => Self::invalid(vec![FieldError::expires_in_the_past()]),
            ManageError::Conflict => Self::unavailable(
                "Others keep changing the same thing. Nothing was changed. Try again in a moment.",
            ),
            ManageError::Entropy(error) => error.into(),
            // What failed is for the log; the caller can do nothing with it.
            error => {
                let cause = error.source().map(tracing::field::display);
                tracing::error!(%error, cause, "a management call failed");
                Self::unavailable(ErrorCode::ManagementUnavailable.detail())
            }
        }
    }
}

impl From<EntropyError> for Refusal {
    fn from(error: EntropyError) -> Self {
        let cause = error.source().map(tracing::field::display);
        tracing::error!(%error, cause, "a management call failed");
        Self::unavailable("Nothing was changed. Try again in a moment.")
    }
}

impl FieldError {
    /// About the member of this name.
    pub(crate) fn of(member: &str, detail: impl Into<Cow<'static, str>>) -> Self {
        let pointer = format!("/{}", member.replace('~', "~0").replace('/', "~1"));
        Self { pointer, detail: detail.into() }
    }

    /// About the body itself.
    pub(crate) fn of_body(detail: &'static str) -> Self {
        Self { pointer: String::new(), detail: detail.into() }
    }

    pub(crate) fn expires_in_the_past() -> Self {
        Self::of("expires_at", "must be in the future")
    }
}
