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
