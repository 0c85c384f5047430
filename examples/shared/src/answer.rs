use apikeys_admin::ErrorCode;
use serde::Serialize;

/// A response of the demo's own routes, without a framework.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Creates a response without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: vec![("cache-control", "no-store".to_owned())], body: Vec::new() }
    }

    /// Adds a header.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Creates a problem like those of the management API.
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
        // Cannot fail: a problem has only strings and numbers.
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
