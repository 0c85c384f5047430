//! The schemas of errors. The bodies themselves are [`apikeys_core::http::Problem`]s.

use schemars::JsonSchema;

use super::schema;

/// An error: RFC 9457 problem details with a stable `code`.
#[derive(JsonSchema)]
#[schemars(rename = "Problem")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct ProblemSchema {
    /// What kind of problem; a URI that is compared, not fetched.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in words.
    title: String,
    /// The response's status.
    #[schemars(with = "schema::HttpStatus")]
    status: u16,
    /// What to do.
    detail: String,
    /// What programs go by.
    #[schemars(with = "schema::Code")]
    code: String,
    /// With `VALIDATION_FAILED`: every member of the body that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<FieldErrorSchema>")]
    errors: Option<Vec<FieldErrorSchema>>,
    /// With `KEY_LIMIT_REACHED`: how many keys the plan allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    quota: Option<u32>,
    /// With `KEY_LIMIT_REACHED`: how many keys there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    used: Option<u32>,
}

/// One member of the body that is wrong.
#[derive(JsonSchema)]
#[schemars(rename = "FieldError")]
#[expect(dead_code, reason = "only its schema is used")]
struct FieldErrorSchema {
    /// Which member: a JSON Pointer (RFC 6901), empty for the body itself.
    pointer: String,
    /// What is wrong with it.
    detail: String,
}
