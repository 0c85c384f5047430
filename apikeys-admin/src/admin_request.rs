use std::fmt;

/// A request to the management API, in plain strings. An adapter for a framework creates the request and passes
/// it to [`AdminApi::handle`].
///
/// `H` is the adapter's type for the headers, and implements [`apikeys_core::http::Headers`].
///
/// [`AdminApi::handle`]: crate::AdminApi::handle
pub struct AdminRequest<'a, H: ?Sized> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The part of the URL's path before [`path`](Self::path), such as `/settings/developer`. The `Location`
    /// of a new key begins with this path, and the OpenAPI document contains it.
    pub mount: &'a str,
    /// The part of the URL's path below the mount, such as `/api/keys`, as the client sent it: without
    /// percent-decoding.
    pub path: &'a str,
    /// The query of the URL, without `?`. `None` if the URL has no query.
    pub query: Option<&'a str>,
    /// The headers. If an HTTP/2 request has no `host` header, the adapter adds one with the value of
    /// `:authority`.
    pub headers: &'a H,
    /// The body.
    pub body: RequestBody<'a>,
}

/// The body of an [`AdminRequest`]. [`AdminApi::body_limit`] returns how much of the body to read.
///
/// [`AdminApi::body_limit`]: crate::AdminApi::body_limit
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a body is complete, too long or incomplete, so no variant will be added"
)]
pub enum RequestBody<'a> {
    /// The whole body. The bytes are empty if the request has no body or the endpoint does not use it.
    Read(&'a [u8]),
    /// The body is longer than the limit, according to `Content-Length` or to the bytes that arrived.
    TooLong,
    /// The connection ended before the end of the body.
    Incomplete,
}

/// Shows the method, the mount and the path. The query, the headers and the body are left out, because they
/// can contain credentials and personal data.
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
