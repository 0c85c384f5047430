use std::str::FromStr;

/// The origin of a web page (RFC 6454): a scheme, a host and a port, such as `https://app.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    scheme: String,
    authority: Authority,
}

/// The error of a text that is not a valid origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid origin: expected a scheme, a host and optionally a port, such as https://app.example.com")]
pub struct InvalidOrigin;

/// A host with an optional port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    host: String,
    port: Option<u16>,
}

impl Origin {
    /// Returns whether the origin has the host and the port of the header `Host`. If `host` has no port, the
    /// default port of the origin's scheme is assumed, because the scheme of the request is unknown behind a
    /// proxy.
    pub(crate) fn is_at(&self, host: &Authority) -> bool {
        let port = host.port.or_else(|| default_port(&self.scheme));
        self.authority.host == host.host && self.authority.port == port
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, authority) = text.split_once("://").ok_or(InvalidOrigin)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(allowed) {
            return Err(InvalidOrigin);
        }
        let scheme = scheme.to_ascii_lowercase();
        let mut authority = Authority::parse(authority).ok_or(InvalidOrigin)?;
        authority.port = authority.port.or_else(|| default_port(&scheme));
        Ok(Self { scheme, authority })
    }
}

impl Authority {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`. Returns `None` if the text has another form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let end = text.rfind(']').map_or(0, |bracket| bracket + 1);
        let (host, port) = match text.get(end..)?.rfind(':').map(|colon| end + colon) {
            Some(colon) => {
                let digits = text.get(colon + 1..)?;
                let port =
                    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
                (text.get(..colon)?, Some(port))
            }
            None => (text, None),
        };
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let allowed = |byte: u8| {
            byte.is_ascii_alphanumeric()
                || b"-._~%!$&'()*+,;=".contains(&byte)
                || (bracketed && b"[:]".contains(&byte))
        };
        let fits = !host.is_empty() && host.bytes().all(allowed);
        fits.then(|| Self { host: host.to_ascii_lowercase(), port })
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}
