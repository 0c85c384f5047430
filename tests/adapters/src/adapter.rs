use std::{net::IpAddr, pin::Pin, sync::Arc};

use apikeys_core::{
    ApiKeys, Denial,
    http::{Problem, RenderedBody, Sources, Wording},
};

/// An adapter in its framework.
pub trait Adapter {
    /// A service with one handler for all paths and methods, behind the adapter.
    type App;

    /// Creates the service.
    fn app(keys: ApiKeys, options: Options, handler: Handler) -> impl Future<Output = Self::App>;

    /// Sends one request to the service.
    fn send(app: &Self::App, request: Request) -> impl Future<Output = Reply>;
}

/// The adapter's options.
#[derive(Debug, Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "an adapter must apply each")]
pub struct Options {
    /// Whether requests without a key are admitted.
    pub optional: bool,
    /// Whether the credential stays in the request.
    pub keep_credential: bool,
    /// The headers that keys are read from.
    pub sources: Sources,
    /// The wording of responses.
    pub wording: Wording,
    /// The number of trusted proxies.
    pub trusted_hops: usize,
    /// The renderer of denials. `None` means the default renderer.
    pub renderer: Option<fn(&Denial, &Problem) -> RenderedBody>,
}

/// A handler. It gets the visible parts of a request, and returns a response.
pub type Handler = Arc<dyn Fn(Seen) -> Pin<Box<dyn Future<Output = HandlerResponse> + Send>> + Send + Sync>;

/// The parts of a request that a handler sees.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "made by adapters' tests")]
pub struct Seen {
    /// The organization of the `Caller` in the request's extensions.
    pub org: Option<String>,
    /// The header `Authorization`.
    pub authorization: Shown,
    /// The header `X-API-Key`.
    pub x_api_key: Shown,
    /// The body.
    pub body: String,
}

/// The form in which a handler gets a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "no other case")]
pub enum Shown {
    /// The header is missing.
    Absent,
    /// The header is present.
    Plain,
    /// The header is present and marked as sensitive.
    Sensitive,
}

/// The response of a handler.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "read by adapters' tests")]
pub struct HandlerResponse {
    /// The status.
    pub status: u16,
    /// The header lines.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body.
    pub body: String,
}

impl HandlerResponse {
    /// Creates a response with status 200.
    pub fn ok(body: impl Into<String>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into() }
    }

    /// Creates a response with this status and no body.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }
}

/// Returns a handler that responds with the body `handled`.
#[must_use]
pub fn handled() -> Handler {
    Arc::new(|_| Box::pin(async { HandlerResponse::ok("handled") }))
}

/// A request.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "read by adapters' tests")]
pub struct Request {
    /// The method.
    pub method: &'static str,
    /// The path and query.
    pub uri: String,
    /// The header lines.
    pub lines: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// The address at the other end of the connection.
    pub peer: Option<IpAddr>,
}

impl Request {
    /// Creates a `GET` request without headers.
    pub fn get(uri: impl Into<String>) -> Self {
        Self { method: "GET", uri: uri.into(), lines: Vec::new(), body: String::new(), peer: None }
    }

    /// Adds header lines.
    #[must_use]
    pub fn with(mut self, lines: &[(&str, &str)]) -> Self {
        self.lines.extend(lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self
    }
}

/// A response with its whole body.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "made by adapters' tests")]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The header lines, names in lower case.
    pub lines: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// The denial in the response's extensions.
    pub denial: Option<Denial>,
}

impl Reply {
    /// The value of a header that has one line at most.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let values = self.values(name);
        assert!(values.len() <= 1, "{name} has one line at most: {values:?}");
        values.first().copied()
    }

    /// The values of all lines of a header.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<&str> {
        self.lines.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The code of a denial.
    #[must_use]
    pub fn code(&self) -> &str {
        let rest = self.body.split_once("\"code\":\"").expect(&self.body).1;
        rest.split_once('"').unwrap().0
    }
}
