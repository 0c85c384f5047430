use std::borrow::Cow;

use serde::Serialize;

use crate::text_enum::text_traits;

/// The body of an error: RFC 9457 problem details with a stable `code`.
///
/// The responses to denied requests and the error responses of the management API have this form. Members
/// that do not apply are left out of the JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The kind of problem. It is a URI that programs compare and do not fetch.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: &'static str,
    /// The status of the response.
    pub status: u16,
    /// A text that says what the client can do about the problem.
    pub detail: Cow<'static, str>,
    /// The stable code that programs compare.
    pub code: ProblemCode,
    /// Seconds to wait before trying again. Set if the code is `RATE_LIMITED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The names of the rate limit policies that were exceeded. Set if the code is `RATE_LIMITED`.
    #[serde(rename = "violated-policies", skip_serializing_if = "<[_]>::is_empty")]
    pub violated_policies: &'static [&'static str],
    /// The members of the request's body that are invalid. Set if the code is `VALIDATION_FAILED`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// The number of keys that the plan allows. Set if the code is `KEY_LIMIT_REACHED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<u32>,
    /// The number of keys that the organization has. Set if the code is `KEY_LIMIT_REACHED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<u32>,
}

/// The stable code of a [`Problem`]: the text of a [`DenialCode`](crate::DenialCode) or a
/// [`ManageErrorCode`](super::ManageErrorCode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProblemCode(&'static str);

/// An invalid member of a request's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FieldError {
    /// The member, as a JSON Pointer (RFC 6901). An empty pointer means the body itself.
    pub pointer: String,
    /// Why the member is invalid.
    pub detail: Cow<'static, str>,
}

impl Problem {
    /// The media type of a problem in JSON.
    pub const CONTENT_TYPE: &'static str = "application/problem+json";
    /// The default beginning of the types of problems.
    pub(crate) const TYPES: &'static str = "urn:problem-type:apikeys:";

    /// Creates a problem. Its type is `types`, followed by the code in kebab case.
    pub(crate) fn of(
        types: &str,
        (code, status, title): (&'static str, u16, &'static str),
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind: format!("{types}{}", kebab_case(code)),
            title,
            status,
            detail: detail.into(),
            code: ProblemCode(code),
            retry_after: None,
            violated_policies: &[],
            errors: Vec::new(),
            quota: None,
            used: None,
        }
    }

    /// Returns the problem as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Strings and numbers only: this cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl ProblemCode {
    /// Returns the stable text.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        self.0
    }
}

text_traits!(ProblemCode);

impl FieldError {
    /// Creates an error about the member `name` of the body.
    #[must_use]
    pub fn of_member(name: &str, detail: impl Into<Cow<'static, str>>) -> Self {
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        Self { pointer, detail: detail.into() }
    }

    /// Creates an error about the body itself.
    #[must_use]
    pub fn of_body(detail: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: String::new(), detail: detail.into() }
    }
}

/// Returns `code` in kebab case: `rate-limited` for `RATE_LIMITED`.
fn kebab_case(code: &str) -> String {
    code.to_ascii_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use crate::http::{ManageErrorCode, Wording};

    #[test]
    fn code_of_a_problem_is_printed_serialized_and_compared_as_its_text() {
        let problem = ManageErrorCode::KeyNotFound.to_problem(&Wording::default());
        assert!(problem.code == "KEY_NOT_FOUND" && problem.code != "NOT_FOUND");
        assert_eq!(problem.code.as_str(), ManageErrorCode::KeyNotFound.as_str());
        assert_eq!(problem.code.to_string(), "KEY_NOT_FOUND");
        assert_eq!(serde_json::to_value(&problem).unwrap()["code"], "KEY_NOT_FOUND");
    }
}
