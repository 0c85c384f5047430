use std::{fmt, fmt::Write as _, net::IpAddr, slice::SliceIndex, str::FromStr, time::Duration};

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
    /// The method, then the path, and then the user agent.
    texts: Texts,
    /// The ends of the method and of the path in `texts`.
    method_end: u16,
    path_end: u16,
    has_user_agent: bool,
    client_ip: Option<IpAddr>,
    trace_id: Option<TraceId>,
    request_id: Option<RequestId>,
}

/// UTF-8 text. The texts of most requests of programs fit into it, so that they need no memory of their own.
type Texts = SmallVec<[u8; ROOM]>;

const ROOM: usize = 64;

impl RequestMeta {
    /// The length of the longest path that is kept, in bytes. Longer paths are cut.
    pub const MAX_PATH: usize = 1024;
    /// The length of the longest user agent that is kept, in bytes. Longer user agents are cut.
    pub const MAX_USER_AGENT: usize = 256;
    const MAX_METHOD: usize = 32;

    /// Describes a request with this method and path. The query of the path is removed.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let (texts, method_end) = short(method, path).unwrap_or_else(|| {
            let query = path.bytes().position(|byte| matches!(byte, b'?' | b'#'));
            let path = query.and_then(|query| path.get(..query)).unwrap_or(path);
            let mut texts = Texts::new();
            push_printable(&mut texts, method.as_bytes(), Self::MAX_METHOD);
            let method_end = texts.len();
            push_printable(&mut texts, path.as_bytes(), Self::MAX_PATH);
            (texts, method_end)
        });
        let end = |end| u16::try_from(end).unwrap_or(u16::MAX);
        let (method_end, path_end) = (end(method_end), end(texts.len()));
        Self(Box::new(Parts {
            texts,
            method_end,
            path_end,
            has_user_agent: false,
            client_ip: None,
            trace_id: None,
            request_id: None,
        }))
    }

    /// Sets the client's address. An IPv4-mapped IPv6 address is kept as IPv4.
    #[must_use]
    pub fn with_client_ip(mut self, ip: Option<IpAddr>) -> Self {
        self.set_client_ip(ip);
        self
    }

    /// Sets the value of the `User-Agent` header.
    #[must_use]
    pub fn with_user_agent(mut self, value: &[u8]) -> Self {
        self.set_user_agent(value);
        self
    }

    /// Sets the request id. A request without a request id gets a random id when its key is verified.
    #[must_use]
    pub fn with_request_id(mut self, id: Option<RequestId>) -> Self {
        self.set_request_id(id);
        self
    }

    /// Sets the trace id.
    #[must_use]
    pub fn with_trace_id(mut self, id: Option<TraceId>) -> Self {
        self.set_trace_id(id);
        self
    }

    pub(crate) fn set_client_ip(&mut self, ip: Option<IpAddr>) {
        self.0.client_ip = ip.map(|ip| ip.to_canonical());
    }

    pub(crate) fn set_user_agent(&mut self, value: &[u8]) {
        let parts = &mut *self.0;
        parts.texts.truncate(parts.path_end.into());
        push_printable(&mut parts.texts, value, Self::MAX_USER_AGENT);
        parts.has_user_agent = true;
    }

    pub(crate) fn set_request_id(&mut self, id: Option<RequestId>) {
        self.0.request_id = id;
    }

    pub(crate) fn set_trace_id(&mut self, id: Option<TraceId>) {
        self.0.trace_id = id;
    }

    /// Returns the HTTP method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.text(..usize::from(self.0.method_end))
    }

    /// Returns the path without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text(self.0.method_end.into()..self.0.path_end.into())
    }

    /// Returns the client's address, if it is known.
    #[must_use]
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.0.client_ip
    }

    /// Returns the value of the `User-Agent` header, if the request had one.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.0.has_user_agent.then(|| self.text(self.0.path_end.into()..))
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

/// Returns the method and the path, and the end of the method, if they are short and need no change. This is a faster way
/// for most requests.
fn short(method: &str, path: &str) -> Option<(Texts, usize)> {
    // Spaces need no change, so all of the array can be checked at once.
    let mut room = [b' '; ROOM];
    let (start, rest) = room.split_at_mut_checked(method.len().min(RequestMeta::MAX_METHOD))?;
    let path_room = rest.get_mut(..path.len())?;
    if start.len() != method.len() {
        return None;
    }
    start.copy_from_slice(method.as_bytes());
    path_room.copy_from_slice(path.as_bytes());
    let fits = |byte: &u8| matches!(byte, b' '..=b'~') & (*byte != b'?') & (*byte != b'#');
    let unchanged = room.iter().fold(true, |all, byte| all & fits(byte));
    unchanged.then(|| (Texts::from_buf_and_len(room, method.len() + path.len()), method.len()))
}

/// Adds `bytes` to `texts` as printable text of at most `most` bytes.
fn push_printable(texts: &mut Texts, bytes: &[u8], most: usize) {
    // Without an early end, the compiler checks many bytes at a time.
    let is_printable_ascii = bytes.iter().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'));
    if bytes.len() <= most && is_printable_ascii {
        texts.extend_from_slice(bytes);
    } else {
        texts.extend_from_slice(printable(bytes, most).as_bytes());
    }
}

/// Returns `bytes` as printable text of at most `most` bytes.
fn printable(bytes: &[u8], most: usize) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            let start = text.len();
            // Writing to a String cannot fail.
            let _ = if is_printable(c) { text.write_char(c) } else { write!(text, "{}", c.escape_unicode()) };
            if text.len() > most {
                text.truncate(start);
                return text;
            }
        }
        if !chunk.invalid().is_empty() && text.len() + '\u{fffd}'.len_utf8() <= most {
            text.push('\u{fffd}');
        }
    }
    text
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

    proptest! {
        #[test]
        fn short_texts_are_described_like_others(method in "[A-Z?#\u{7f}]{0,40}", path in "/[ -~]{0,70}|/[a-z/?#]{0,40}|/[a-zé\u{1b}]{0,30}") {
            let mut texts = Texts::new();
            let kept = path.split(['?', '#']).next().unwrap();
            push_printable(&mut texts, method.as_bytes(), RequestMeta::MAX_METHOD);
            let method_end = texts.len();
            push_printable(&mut texts, kept.as_bytes(), RequestMeta::MAX_PATH);
            if let Some(described) = short(&method, &path) {
                prop_assert_eq!(described, (texts.clone(), method_end));
            }
            let meta = RequestMeta::new(&method, &path);
            let described = [meta.method(), meta.path()].concat();
            prop_assert_eq!(described.as_bytes(), &texts[..]);
            prop_assert_eq!(meta.method().len(), method_end);
        }
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
            let mut texts = Texts::new();
            push_printable(&mut texts, &bytes, most);
            let text = std::str::from_utf8(&texts).unwrap();
            prop_assert!(text.len() <= most);
            prop_assert!(text.chars().all(is_printable));
            prop_assert_eq!(text, printable(&bytes, most), "the shorter way for ASCII has another result");
        }
    }
}
