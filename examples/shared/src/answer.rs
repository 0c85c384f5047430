use apikeys_admin::ErrorCode;
use serde_json::json;

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
        let mut problem = json!({
            "type": format!("urn:problem-type:apikeys:{kind}"),
            "title": code.title(),
            "status": code.status(),
            "detail": detail,
            "code": code.as_str(),
        });
        if code == ErrorCode::ValidationFailed {
            problem["errors"] = json!([{ "pointer": "/plan", "detail": detail }]);
        }
        let answer = Self { body: problem.to_string().into_bytes(), ..Self::empty(code.status()) };
        answer.with("content-type", "application/problem+json")
    }
}
