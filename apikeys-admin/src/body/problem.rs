//! The schemas of [`apikeys_core::http::Problem`], which is the body of errors.

use schemars::JsonSchema;

use super::schema;

/// An error, as problem details (RFC 9457) with a stable `code`.
#[derive(JsonSchema)]
#[schemars(rename = "Problem")]
#[expect(dead_code, reason = "only the schema is used")]
pub(crate) struct ProblemSchema {
    /// The kind of problem, as a URI. Programs compare the URI and do not fetch it.
    #[serde(rename = "type")]
    kind: String,
    /// The kind of problem in words.
    title: String,
    /// The status of the response.
    #[schemars(with = "schema::HttpStatus")]
    status: u16,
    /// A text that says what the client can do about the problem.
    detail: String,
    /// The kind of problem, as a stable text for programs.
    #[schemars(with = "schema::Code")]
    code: String,
    /// The invalid members of the body. Present for `VALIDATION_FAILED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<FieldErrorSchema>")]
    errors: Option<Vec<FieldErrorSchema>>,
    /// The number of keys that the plan allows. Present for `KEY_LIMIT_REACHED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    quota: Option<u32>,
    /// The number of keys that the organization has. Present for `KEY_LIMIT_REACHED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    used: Option<u32>,
}

/// An invalid member of the body.
#[derive(JsonSchema)]
#[schemars(rename = "FieldError")]
#[expect(dead_code, reason = "only the schema is used")]
struct FieldErrorSchema {
    /// The member, as a JSON Pointer (RFC 6901). An empty pointer means the body itself.
    pointer: String,
    /// Why the member is invalid.
    detail: String,
}
