use std::fmt;

/// A request to the management API, as an adapter passes it to [`AdminApi::handle`].
///
/// `H` is the adapter's view of the headers, which implements [`apikeys_core::http::Headers`].
///
/// [`AdminApi::handle`]: crate::AdminApi::handle
pub struct AdminRequest<'a, H: ?Sized> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The path before [`path`](Self::path) in the URL that the client used, such as
    /// `/settings/developer`. `Location` and the OpenAPI document begin with it.
    pub mount: &'a str,
    /// The path below the mount, such as `/api/keys`, without percent-decoding and without the query.
    pub path: &'a str,
    /// The query, without `?`; `None` if there is none.
    pub query: Option<&'a str>,
    /// The headers. For HTTP/2, the adapter adds `host` with the value of `:authority`.
    pub headers: &'a H,
    /// The body.
    pub body: RequestBody<'a>,
}

/// The body of a request, as far as an adapter has read it. See [`AdminApi::body_limit`].
///
/// [`AdminApi::body_limit`]: crate::AdminApi::body_limit
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a body is read, too long or incomplete; no other case can be added"
)]
pub enum RequestBody<'a> {
    /// The whole body. Empty if there is none, or if the call does not use it.
    Read(&'a [u8]),
    /// The body is longer than the limit, by its `Content-Length` or by its bytes.
    TooLong,
    /// The client stopped before the end of the body.
    Incomplete,
}

/// A response of the management API, for an adapter to translate.
///
/// The response to `HEAD` is the same as to `GET`. HTTP servers leave out the body by themselves.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdminResponse {
    /// The status code.
    pub status: u16,
    /// The headers, with names in lower case. `content-type` is among them if there is a body.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl AdminResponse {
    pub(crate) fn new(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        let mut response = Self::empty(status);
        response.headers.insert(0, ("content-type", content_type.to_owned()));
        response.body = body;
        response
    }

    pub(crate) fn empty(status: u16) -> Self {
        let headers = [("cache-control", "no-store"), ("x-content-type-options", "nosniff")];
        Self {
            status,
            headers: headers.map(|(name, value)| (name, value.to_owned())).to_vec(),
            body: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Shows the method and the path. Headers may hold the login, and the body belongs to the client.
impl<H: ?Sized> fmt::Debug for AdminRequest<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, mount, path, .. } = self;
        f.debug_struct("AdminRequest")
            .field("method", method)
            .field("mount", mount)
            .field("path", path)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RequestBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(bytes) => write!(f, "Read({} bytes)", bytes.len()),
            Self::TooLong => f.write_str("TooLong"),
            Self::Incomplete => f.write_str("Incomplete"),
        }
    }
}

/// Shows the length of the body, because the response to a creation holds the secret.
impl fmt::Debug for AdminResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminResponse")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body_len", &self.body.len())
            .finish()
    }
}
