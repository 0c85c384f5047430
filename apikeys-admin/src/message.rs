use std::fmt;

/// A request to the management API, as an adapter shows it.
///
/// `H` is the adapter's view of the headers, [`apikeys_core::http::Headers`].
pub struct AdminRequest<'a, H: ?Sized> {
    /// The method, in capitals.
    pub method: &'a str,
    /// What stands before [`path`](Self::path) in the URL the client asked for, as
    /// `/settings/developer`: for `Location` and the document.
    pub mount: &'a str,
    /// The path below the mount, as `/api/keys`; not percent-decoded, without the query.
    pub path: &'a str,
    /// The query, without `?`.
    pub query: Option<&'a str>,
    /// The headers. `host` must be among them, also where the protocol sends it as `:authority`.
    pub headers: &'a H,
    /// The body.
    pub body: RequestBody<'a>,
}

/// The body of a request, as far as it was read. See [`AdminApi::body_limit`].
///
/// [`AdminApi::body_limit`]: crate::AdminApi::body_limit
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed for good: read, too long or cut short")]
pub enum RequestBody<'a> {
    /// All of it. Empty where there is none, or where none is wanted.
    Read(&'a [u8]),
    /// It is longer than allowed, by what `Content-Length` says or by what came.
    TooLong,
    /// The client did not send all of it.
    Incomplete,
}

/// The response, ready to be put into a framework's own.
///
/// The answer to `HEAD` is that to `GET`: leave out the body, as HTTP servers do by themselves.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdminResponse {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case; `content-type` is among them where there is a body.
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

/// Method and path only: headers may hold the login, and the body is the client's.
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

/// Without the body, which holds the secret where a key was created.
impl fmt::Debug for AdminResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminResponse")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body_len", &self.body.len())
            .finish()
    }
}
