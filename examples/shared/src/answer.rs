use apikeys_admin::ErrorCode;
use serde::Serialize;

/// A response of the demo's own routes, for any framework to send.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// One without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: vec![("cache-control", "no-store".to_owned())], body: Vec::new() }
    }

    /// One with another header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A refusal, as the management API words its own.
    pub(crate) fn problem(code: ErrorCode, detail: &str) -> Self {
        let kind = code.as_str().to_ascii_lowercase().replace('_', "-");
        let problem = Problem {
            kind: format!("urn:problem-type:apikeys:{kind}"),
            title: code.title(),
            status: code.status(),
            detail,
            code: code.as_str(),
            errors: (code == ErrorCode::ValidationFailed)
                .then_some([FieldError { pointer: "/plan", detail }]),
        };
        // Strings and numbers only: this cannot fail.
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let answer = Self { body, ..Self::empty(code.status()) };
        answer.with("content-type", "application/problem+json")
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<[FieldError<'a>; 1]>,
}

#[derive(Serialize)]
struct FieldError<'a> {
    pointer: &'a str,
    detail: &'a str,
}
