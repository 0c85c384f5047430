use std::{borrow::Cow, fmt, fmt::Write as _, net::IpAddr, slice::SliceIndex, str::FromStr, time::Duration};

use smallvec::SmallVec;

use crate::{
    denial::DenialCode,
    text::{InvalidValue, is_printable},
    text_enum::text_enum,
};

/// The description of a request for the audit log.
///
/// All texts are cut to a maximum length and made printable: control characters, invalid UTF-8 and
/// characters that change the writing direction are replaced, for example with the text `\u{1b}`.
/// The path is kept without its query.
///
/// ```
/// use apikeys_core::RequestMeta;
///
/// let meta = RequestMeta::new("GET", "/v1/items?token=hidden").with_user_agent(b"curl/8.5 \x1b[31m");
/// assert_eq!(meta.path(), "/v1/items");
/// assert_eq!(meta.user_agent(), Some("curl/8.5 \\u{1b}[31m"));
/// assert!(!format!("{meta:?}").contains("hidden"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RequestMeta(Box<Parts>);

/// The description is behind a pointer, because it is moved several times before it is written.
#[derive(Clone, PartialEq, Eq)]
struct Parts {
    method: Cow<'static, str>,
    /// The path, and then the user agent.
    texts: Texts,
    path_len: usize,
    has_user_agent: bool,
    client_ip: Option<IpAddr>,
    request_id: Option<RequestId>,
    trace_id: Option<TraceId>,
}

/// UTF-8 text. Usual paths and user agents fit into it, so that they need no memory of their own.
type Texts = SmallVec<[u8; 128]>;

impl RequestMeta {
    /// The length of the longest path that is kept, in bytes. Longer paths are cut.
    pub const MAX_PATH: usize = 1024;
    /// The length of the longest user agent that is kept, in bytes. Longer user agents are cut.
    pub const MAX_USER_AGENT: usize = 256;
    const MAX_METHOD: usize = 32;

    /// Describes a request with this method and path. The query of the path is removed.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let query = path.bytes().position(|byte| matches!(byte, b'?' | b'#'));
        let path = query.and_then(|query| path.get(..query)).unwrap_or(path);
        let mut parts = Box::new(Parts {
            method: known_method(method)
                .unwrap_or_else(|| printable(method.as_bytes(), Self::MAX_METHOD).into_owned().into()),
            texts: Texts::new(),
            path_len: 0,
            has_user_agent: false,
            client_ip: None,
            request_id: None,
            trace_id: None,
        });
        parts.texts.extend_from_slice(printable(path.as_bytes(), Self::MAX_PATH).as_bytes());
        parts.path_len = parts.texts.len();
        Self(parts)
    }

    /// Sets the client's address. An IPv4-mapped IPv6 address is kept as IPv4.
    #[must_use]
    pub fn with_client_ip(mut self, ip: Option<IpAddr>) -> Self {
        self.0.client_ip = ip.map(|ip| ip.to_canonical());
        self
    }

    /// Sets the value of the `User-Agent` header.
    #[must_use]
    pub fn with_user_agent(mut self, value: &[u8]) -> Self {
        let Parts { texts, path_len, has_user_agent, .. } = &mut *self.0;
        texts.truncate(*path_len);
        texts.extend_from_slice(printable(value, Self::MAX_USER_AGENT).as_bytes());
        *has_user_agent = true;
        self
    }

    /// Sets the request id. A request without a request id gets a random id when its key is verified.
    #[must_use]
    pub fn with_request_id(mut self, id: Option<RequestId>) -> Self {
        self.0.request_id = id;
        self
    }

    /// Sets the trace id.
    #[must_use]
    pub fn with_trace_id(mut self, id: Option<TraceId>) -> Self {
        self.0.trace_id = id;
        self
    }

    /// Returns the HTTP method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.0.method
    }

    /// Returns the path without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text(..self.0.path_len)
    }

    /// Returns the client's address, if it is known.
    #[must_use]
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.0.client_ip
    }

    /// Returns the value of the `User-Agent` header, if the request had one.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.0.has_user_agent.then(|| self.text(self.0.path_len..))
    }

    fn text(&self, range: impl SliceIndex<[u8], Output = [u8]>) -> &str {
        // The texts are whole, so they are valid.
        str::from_utf8(self.0.texts.get(range).unwrap_or_default()).unwrap_or_default()
    }

    /// Returns the request id.
    #[must_use]
    pub fn request_id(&self) -> Option<&RequestId> {
        self.0.request_id.as_ref()
    }

    /// Returns the trace id, if the request had one.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        self.0.trace_id
    }

    /// Sets the request id to `make()` if the request has none.
    pub(crate) fn ensure_id(&mut self, make: impl FnOnce() -> [u8; 16]) {
        self.0.request_id.get_or_insert_with(|| RequestId(Id::Made(make())));
    }
}

impl fmt::Debug for RequestMeta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestMeta")
            .field("method", &self.method())
            .field("path", &self.path())
            .field("client_ip", &self.client_ip())
            .field("user_agent", &self.user_agent())
            .field("request_id", &self.request_id())
            .field("trace_id", &self.trace_id())
            .finish()
    }
}

/// A request in the form in which the audit log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestRecord {
    /// The request.
    pub meta: RequestMeta,
    /// The outcome of the request.
    pub outcome: Outcome,
    /// The status of the response. `None` means that there was no response.
    pub status: Option<u16>,
    /// The time from the beginning of the verification to the response, in whole microseconds.
    pub latency: Duration,
    /// The reason for the denial. `None` means that the request was not denied.
    pub denial: Option<DenialCode>,
    /// The number of denials that this event counts. `None` means that the event describes a single request.
    /// A denial is counted, and has no event of its own, in two cases: the key already had 60 denials in the
    /// same minute, or too many events are waiting to be written to the store.
    pub count: Option<u32>,
}

impl RequestRecord {
    /// Creates a record without status, denial and count.
    #[must_use]
    pub const fn new(meta: RequestMeta, outcome: Outcome, latency: Duration) -> Self {
        Self { meta, outcome, status: None, latency, denial: None, count: None }
    }

    /// Returns the number of requests that this record stands for.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.count.unwrap_or(1)
    }
}

text_enum! {
    /// The outcome of a request, as the audit log records it.
    pub enum Outcome("outcome", other) {
        /// The handler returned a response.
        Answered = "answered",
        /// The request ended without a response, because the client left or the handler panicked.
        Aborted = "aborted",
        /// The request was denied.
        Denied = "denied",
        /// The request was admitted, and the handler is about to run. This version of the library records
        /// requests only when they have ended.
        Started = "started",
    }
}

impl Outcome {
    /// Returns whether the request was admitted and has ended. Such requests increase the request count of
    /// their key.
    #[must_use]
    pub const fn is_admitted(&self) -> bool {
        matches!(self, Self::Answered | Self::Aborted)
    }
}

/// The id by which several services identify a request: the client's `X-Request-Id`, or a random id.
///
/// The text of the id has 1 to 128 characters of `A-Za-z0-9._:/+=-`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Id);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Id {
    Given(Box<str>),
    Made([u8; 16]),
}

impl RequestId {
    /// Reads the value of an `X-Request-Id` header. Returns `None` if it is not a valid id.
    #[must_use]
    pub fn from_header(value: &[u8]) -> Option<Self> {
        str::from_utf8(value).ok()?.parse().ok()
    }
}

impl FromStr for RequestId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/+=-".contains(&byte);
        if (1..=128).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(Id::Given(text.into())))
        } else {
            Err(InvalidValue::new("request id", "expected 1 to 128 characters of A-Z, a-z, 0-9 and ._:/+=-"))
        }
    }
}

impl TryFrom<&str> for RequestId {
    type Error = InvalidValue;

    fn try_from(text: &str) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Id::Given(text) => f.write_str(text),
            Id::Made(bytes) => f.write_str(&data_encoding::HEXLOWER.encode(bytes)),
        }
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The trace id of a W3C `traceparent` header. The id has 16 bytes, at least one of which is not zero.
///
/// The text of the id has 32 hexadecimal digits in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

impl TraceId {
    /// Reads the trace id from the value of a `traceparent` header, as W3C Trace Context
    /// (level 1) defines it. Returns `None` if the header is invalid.
    #[must_use]
    pub fn from_traceparent(value: &[u8]) -> Option<Self> {
        let mut parts = value.split(|byte| *byte == b'-');
        let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |part: &[u8], len| {
            part.len() == len && part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let more = parts.next().is_some();
        let shape = hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
        // Version 00 has exactly these four parts. Later versions may have more. Version ff is invalid.
        if !shape || version == b"ff" || (version == b"00" && more) || parent.iter().all(|b| *b == b'0') {
            return None;
        }
        str::from_utf8(trace).ok()?.parse().ok()
    }
}

impl FromStr for TraceId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
        match bytes.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok()) {
            Some(bytes) if bytes != [0; 16] => Ok(Self(bytes)),
            _ => Err(InvalidValue::new("trace id", "expected 32 digits of 0-9 and a-f, not all zero")),
        }
    }
}

impl TryFrom<&str> for TraceId {
    type Error = InvalidValue;

    fn try_from(text: &str) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns `method` as a static text, which needs no allocation, if the method is in common use.
fn known_method(method: &str) -> Option<Cow<'static, str>> {
    const KNOWN: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "QUERY"];
    KNOWN.into_iter().find(|known| *known == method).map(Cow::Borrowed)
}

/// Returns `bytes` as printable text of at most `most` bytes.
fn printable(bytes: &[u8], most: usize) -> Cow<'_, str> {
    // Without an early end, the compiler checks many bytes at a time.
    let is_printable_ascii = bytes.iter().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'));
    if bytes.len() <= most
        && is_printable_ascii
        && let Ok(text) = str::from_utf8(bytes)
    {
        return text.into();
    }
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            let start = text.len();
            // Writing to a String cannot fail.
            let _ = if is_printable(c) { text.write_char(c) } else { write!(text, "{}", c.escape_unicode()) };
            if text.len() > most {
                text.truncate(start);
                return text.into();
            }
        }
        if !chunk.invalid().is_empty() && text.len() + '\u{fffd}'.len_utf8() <= most {
            text.push('\u{fffd}');
        }
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_are_escaped_and_queries_are_removed() {
        let meta =
            RequestMeta::new("GE\u{7}T", "/a\u{1b}[2Jb?secret=1").with_user_agent(b"x\r\ny\xff\xe2\x80\xae");
        assert_eq!(meta.method(), "GE\\u{7}T");
        assert_eq!(meta.path(), "/a\\u{1b}[2Jb");
        assert_eq!(meta.user_agent(), Some("x\\u{d}\\u{a}y\u{fffd}\\u{202e}"));
    }

    #[test]
    fn ipv4_mapped_address_is_kept_as_ipv4() {
        let meta = RequestMeta::new("GET", "/").with_client_ip("::ffff:1.2.3.4".parse().ok());
        assert_eq!(meta.client_ip(), "1.2.3.4".parse().ok());
    }

    #[test]
    fn request_id_with_an_unexpected_character_or_length_is_invalid() {
        for good in ["a", "A-1._:/+=", &"x".repeat(128)] {
            assert_eq!(RequestId::from_header(good.as_bytes()).unwrap().to_string(), good);
        }
        for bad in ["", "a b", "a\"", "ü", &"x".repeat(129)] {
            assert_eq!(RequestId::from_header(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn trace_id_is_read_from_valid_headers_only() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let read = |text: String| TraceId::from_traceparent(text.as_bytes()).map(|id| id.to_string());
        assert_eq!(read(format!("00-{trace}-00f067aa0ba902b7-01")), Some(trace.to_owned()));
        assert_eq!(read(format!("cc-{trace}-00f067aa0ba902b7-01-more")), Some(trace.to_owned()));
        for bad in [
            format!("00-{trace}-00f067aa0ba902b7-01-more"),
            format!("ff-{trace}-00f067aa0ba902b7-01"),
            format!("00-{trace}-0000000000000000-01"),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()),
            String::new(),
        ] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn printable_text_is_printable_and_within_its_length(bytes in prop::collection::vec(any::<u8>(), 0..2000), most in 0_usize..300) {
            let text = printable(&bytes, most);
            prop_assert!(text.len() <= most);
            prop_assert!(text.chars().all(is_printable));
        }
    }
}
