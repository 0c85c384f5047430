use std::{borrow::Cow, fmt, fmt::Write as _, net::IpAddr, str::FromStr, time::Duration};

use crate::{access::DenialCode, id::prints};

/// What is known of a request when it arrives, fit to be stored and shown.
///
/// Every text is cut to a length and made printable when it is put in: control characters,
/// escapes, bytes that are no text and characters that turn the direction of writing come out
/// as `\u{1b}`. The path is kept without its query.
///
/// ```
/// use apikeys_core::RequestMeta;
///
/// let meta = RequestMeta::new("GET", "/v1/items?token=hidden").user_agent(b"curl/8.5 \x1b[31m");
/// assert_eq!(meta.path(), "/v1/items");
/// assert_eq!(format!("{meta:?}").contains("hidden"), false);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestMeta {
    method: Cow<'static, str>,
    path: Box<str>,
    client_ip: Option<IpAddr>,
    user_agent: Option<Box<str>>,
    request_id: Option<RequestId>,
    trace_id: Option<TraceId>,
}

impl RequestMeta {
    /// Longest path kept, in bytes.
    pub const MAX_PATH: usize = 1024;
    /// Longest user agent kept, in bytes.
    pub const MAX_USER_AGENT: usize = 256;
    const MAX_METHOD: usize = 32;

    /// A request with this method and path; a query is cut off.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        Self {
            method: known_method(method)
                .unwrap_or_else(|| printable(method.as_bytes(), Self::MAX_METHOD).into_string().into()),
            path: printable(path.as_bytes(), Self::MAX_PATH),
            client_ip: None,
            user_agent: None,
            request_id: None,
            trace_id: None,
        }
    }

    /// Where the request came from; an IPv4 address in IPv6 clothes is kept as IPv4.
    #[must_use]
    pub fn client_ip(mut self, ip: Option<IpAddr>) -> Self {
        self.client_ip = ip.map(|ip| ip.to_canonical());
        self
    }

    /// The `User-Agent` header's value.
    #[must_use]
    pub fn user_agent(mut self, value: &[u8]) -> Self {
        self.user_agent = Some(printable(value, Self::MAX_USER_AGENT));
        self
    }

    /// The request's own id. Without one, it gets one.
    #[must_use]
    pub fn request_id(mut self, id: Option<RequestId>) -> Self {
        self.request_id = id;
        self
    }

    /// The trace the request belongs to.
    #[must_use]
    pub const fn trace_id(mut self, id: Option<TraceId>) -> Self {
        self.trace_id = id;
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path, without a query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where the request came from, if known.
    #[must_use]
    pub const fn client(&self) -> Option<IpAddr> {
        self.client_ip
    }

    /// What the client says it is.
    #[must_use]
    pub fn agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// The request's id.
    #[must_use]
    pub const fn id(&self) -> Option<&RequestId> {
        self.request_id.as_ref()
    }

    /// The trace's id.
    #[must_use]
    pub const fn trace(&self) -> Option<TraceId> {
        self.trace_id
    }

    /// Gives the request an id if it has none.
    pub(crate) fn ensure_id(&mut self, make: impl FnOnce() -> [u8; 16]) {
        self.request_id.get_or_insert_with(|| RequestId(Id::Made(make())));
    }
}

/// A request made with a key, as the audit log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestRecord {
    /// The request.
    pub meta: RequestMeta,
    /// What became of it.
    pub outcome: Outcome,
    /// The response's status; none if there was no response.
    pub status: Option<u16>,
    /// From the beginning of the verification to the response, in whole microseconds.
    pub latency: Duration,
    /// Why it was denied, if it was.
    pub denial: Option<DenialCode>,
    /// How many denials this event stands for, if it stands for those beyond 60 a minute.
    pub count: Option<u32>,
}

impl RequestRecord {
    /// A record of `meta` that came to `outcome`.
    #[must_use]
    pub const fn new(meta: RequestMeta, outcome: Outcome, latency: Duration) -> Self {
        Self { meta, outcome, status: None, latency, denial: None, count: None }
    }

    /// How many requests this event stands for.
    #[must_use]
    pub fn requests(&self) -> u32 {
        self.count.unwrap_or(1)
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The handler answered.
    Answered,
    /// The request ended without an answer: the client left, or the handler panicked.
    Aborted,
    /// It was refused.
    Denied,
    /// The handler is about to run.
    Started,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Answered, Self::Aborted, Self::Denied, Self::Started];

    /// The outcome's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Aborted => "aborted",
            Self::Denied => "denied",
            Self::Started => "started",
        }
    }

    /// The outcome of this name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }

    /// Whether the request was let through to the handler, and has ended.
    #[must_use]
    pub const fn is_admitted(self) -> bool {
        matches!(self, Self::Answered | Self::Aborted)
    }
}

/// What a request is called across services: `X-Request-Id`, or one made here.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Id);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Id {
    Given(Box<str>),
    Made([u8; 16]),
}

impl RequestId {
    /// Takes a client's id if it is 1 to 128 of `[A-Za-z0-9._:/+=-]`.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:/+=-".contains(byte);
        if !(1..=128).contains(&value.len()) || !value.iter().all(allowed) {
            return None;
        }
        std::str::from_utf8(value).ok().map(|text| Self(Id::Given(text.into())))
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

/// The trace id of a W3C `traceparent` header: 16 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

impl TraceId {
    /// Reads the trace id out of a `traceparent` header's value (W3C Trace Context, level 1).
    #[must_use]
    pub fn from_traceparent(value: &[u8]) -> Option<Self> {
        let mut parts = value.split(|byte| *byte == b'-');
        let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let hex = |part: &[u8], len| {
            part.len() == len && part.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let more = parts.next().is_some();
        let shape = hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
        // Version 00 has exactly these four parts; later ones may have more; ff is forbidden.
        if !shape || version == b"ff" || (version == b"00" && more) || parent.iter().all(|b| *b == b'0') {
            return None;
        }
        std::str::from_utf8(trace).ok()?.parse().ok()
    }
}

/// The text is not 32 hexadecimal digits, or they are all zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a trace id is 32 hexadecimal digits, not all zero")]
pub struct InvalidTraceId;

impl FromStr for TraceId {
    type Err = InvalidTraceId;

    fn from_str(text: &str) -> Result<Self, InvalidTraceId> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| InvalidTraceId)?;
        let bytes: [u8; 16] = bytes.try_into().map_err(|_| InvalidTraceId)?;
        if bytes == [0; 16] { Err(InvalidTraceId) } else { Ok(Self(bytes)) }
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

/// The usual methods need no memory of their own.
fn known_method(method: &str) -> Option<Cow<'static, str>> {
    const KNOWN: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "QUERY"];
    KNOWN.into_iter().find(|known| *known == method).map(Cow::Borrowed)
}

/// `bytes` as text that prints, at most `most` bytes of it.
fn printable(bytes: &[u8], most: usize) -> Box<str> {
    if bytes.len() <= most && bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return std::str::from_utf8(bytes).unwrap_or_default().into();
    }
    let mut text = String::with_capacity(bytes.len().min(most));
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            let start = text.len();
            // Writing to a String cannot fail.
            let _ = if prints(c) { text.write_char(c) } else { write!(text, "{}", c.escape_unicode()) };
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
    fn control_characters_come_out_escaped_and_queries_do_not_come_out() {
        let meta =
            RequestMeta::new("GE\u{7}T", "/a\u{1b}[2Jb?secret=1").user_agent(b"x\r\ny\xff\xe2\x80\xae");
        assert_eq!(meta.method(), "GE\\u{7}T");
        assert_eq!(meta.path(), "/a\\u{1b}[2Jb");
        assert_eq!(meta.agent(), Some("x\\u{d}\\u{a}y\u{fffd}\\u{202e}"));
    }

    #[test]
    fn mapped_addresses_are_ipv4() {
        let meta = RequestMeta::new("GET", "/").client_ip("::ffff:1.2.3.4".parse().ok());
        assert_eq!(meta.client(), "1.2.3.4".parse().ok());
    }

    #[test]
    fn request_ids_are_taken_only_when_harmless() {
        for good in ["a", "A-1._:/+=", &"x".repeat(128)] {
            assert_eq!(RequestId::parse(good.as_bytes()).unwrap().to_string(), good);
        }
        for bad in ["", "a b", "a\"", "ü", &"x".repeat(129)] {
            assert_eq!(RequestId::parse(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn trace_ids_come_from_valid_headers_only() {
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
        fn what_is_kept_prints_and_is_short(bytes in prop::collection::vec(any::<u8>(), 0..2000), most in 0_usize..300) {
            let text = printable(&bytes, most);
            prop_assert!(text.len() <= most);
            prop_assert!(text.chars().all(prints));
        }
    }
}
