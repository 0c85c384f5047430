use std::fmt;

use super::Problem;

/// A response in plain strings and numbers. An adapter converts it into its framework's own type.
///
/// The `Debug` output leaves out the body, because the body can contain the secret of a key that was just
/// created.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlainResponse {
    /// The status.
    pub status: u16,
    /// The headers, with names in lower case. `content-type` is among them if there is a body.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl PlainResponse {
    /// Creates a response that no cache may store.
    #[must_use]
    pub fn new(status: u16, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let mut response = Self::empty(status).with_header("cache-control", "no-store");
        response.headers.insert(0, ("content-type", content_type.into()));
        response.body = body.into();
        response
    }

    /// Creates a response without headers and body.
    #[must_use]
    pub const fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Creates a response with a problem as its body.
    #[must_use]
    pub fn problem(problem: &Problem) -> Self {
        Self::new(problem.status, Problem::CONTENT_TYPE, problem.to_json())
    }

    /// Adds a header line. `name` must be in lower case.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Returns the value of the first line of the header `name`. `name` must be in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for PlainResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlainResponse")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body_len", &self.body.len())
            .finish()
    }
}
