use std::str::FromStr;

use apikeys_core::http::Headers;

/// Where a page comes from, as `https://app.example.com`: scheme, host and port (RFC 6454).
///
/// ```
/// use apikeys_admin::Origin;
///
/// let origin: Origin = "https://app.example.com".parse()?;
/// assert_eq!(origin, "https://APP.example.com:443".parse()?);
/// # Ok::<(), apikeys_admin::InvalidOrigin>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    place: Place,
}

/// The text is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an origin such as https://app.example.com: a scheme, a host and perhaps a port, no path")]
pub struct InvalidOrigin;

/// A host, and a port if one is known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    host: String,
    port: Option<u16>,
}

/// Whether a change must be refused because a page of another site asks for it.
///
/// What the browser says in `Sec-Fetch-Site` decides: `same-origin`, or `none` for what its user
/// did by hand. Without it, `Origin` must be that of the request's `Host`, or one of `allowed`.
/// Neither is sent by programs. What cannot be read, or comes twice, is refused.
pub(crate) fn is_cross_site(headers: &(impl Headers + ?Sized), allowed: &[Origin]) -> bool {
    match only(headers, "sec-fetch-site") {
        Lines::One(site) => return !matches!(site, b"same-origin" | b"none"),
        Lines::Many => return true,
        Lines::None => {}
    }
    let origin = match only(headers, "origin") {
        Lines::None => return false,
        Lines::Many => return true,
        Lines::One(value) => std::str::from_utf8(value).ok().and_then(|text| text.parse::<Origin>().ok()),
    };
    let Some(origin) = origin else { return true };
    if allowed.contains(&origin) {
        return false;
    }
    let Lines::One(host) = only(headers, "host") else { return true };
    let host = std::str::from_utf8(host).ok().and_then(Place::parse);
    !host.is_some_and(|host| origin.is_at(&host))
}

enum Lines<'a> {
    None,
    One(&'a [u8]),
    Many,
}

fn only<'a>(headers: &'a (impl Headers + ?Sized), name: &'a str) -> Lines<'a> {
    let mut lines = headers.values(name);
    match (lines.next(), lines.next()) {
        (None, _) => Lines::None,
        (Some(line), None) => Lines::One(line),
        (Some(_), Some(_)) => Lines::Many,
    }
}

impl Origin {
    /// Behind a proxy nobody knows the scheme that the client used; a `Host` without a port is
    /// then at the origin's own.
    fn is_at(&self, host: &Place) -> bool {
        self.place.host == host.host && self.place.port == host.port.or_else(|| default_port(&self.scheme))
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let (scheme, place) = text.split_once("://").ok_or(InvalidOrigin)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(allowed) {
            return Err(InvalidOrigin);
        }
        let scheme = scheme.to_ascii_lowercase();
        let mut place = Place::parse(place).ok_or(InvalidOrigin)?;
        place.port = place.port.or_else(|| default_port(&scheme));
        Ok(Self { scheme, place })
    }
}

impl Place {
    /// `host`, `host:port`, `[v6]` or `[v6]:port`.
    fn parse(text: &str) -> Option<Self> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(headers: &[(&str, &str)]) -> bool {
        let lines: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        is_cross_site(lines.as_slice(), &["https://app.example.com".parse().unwrap()])
    }

    /// R39: what the browser says decides; without it, origin and host.
    #[test]
    fn changes_come_from_the_same_site_or_from_no_page_at_all() {
        let host = ("host", "keys.example.com");
        let table: &[(&[(&str, &str)], bool)] = &[
            (&[], false),
            (&[host], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "")], true),
            (&[("sec-fetch-site", "Same-Origin")], true),
            (&[("sec-fetch-site", "none"), ("sec-fetch-site", "none")], true),
            // The browser's word outranks origins.
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://keys.example.com"), host], true),
            (&[("sec-fetch-site", "same-site"), ("origin", "https://app.example.com"), host], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example"), host], false),
            // Host and port of the origin.
            (&[("origin", "https://keys.example.com"), host], false),
            (&[("origin", "http://keys.example.com"), host], false),
            (&[("origin", "https://KEYS.example.com:443"), host], false),
            (&[("origin", "https://keys.example.com:8443"), host], true),
            (&[("origin", "https://keys.example.com"), ("host", "keys.example.com:443")], false),
            (&[("origin", "https://keys.example.com"), ("host", "keys.example.com:80")], true),
            (&[("origin", "http://127.0.0.1:3000"), ("host", "127.0.0.1:3000")], false),
            (&[("origin", "http://127.0.0.1:3001"), ("host", "127.0.0.1:3000")], true),
            (&[("origin", "http://[::1]:3000"), ("host", "[::1]:3000")], false),
            (&[("origin", "http://[::1]"), ("host", "[::1]:80")], false),
            (&[("origin", "https://evil.example"), host], true),
            (&[("origin", "https://keys.example.com.evil.example"), host], true),
            (&[("origin", "https://evil.example/keys.example.com"), host], true),
            (&[("origin", "https://keys.example.com@evil.example"), host], true),
            // A configured one.
            (&[("origin", "https://app.example.com"), host], false),
            (&[("origin", "https://app.example.com")], false),
            (&[("origin", "http://app.example.com"), host], true),
            (&[("origin", "https://app.example.com:444"), host], true),
            // What is no origin.
            (&[("origin", "null"), host], true),
            (&[("origin", ""), host], true),
            (&[("origin", "keys.example.com"), host], true),
            (&[("origin", "https://keys.example.com/"), host], true),
            (&[("origin", "https://"), ("host", "")], true),
            (&[("origin", "https://a:99999"), ("host", "a:99999")], true),
            (&[("origin", "https://a:+80"), ("host", "a:80")], true),
            // Twice, or without a host to compare with.
            (&[("origin", "https://keys.example.com"), ("origin", "https://keys.example.com"), host], true),
            (&[("origin", "https://keys.example.com")], true),
            (&[("origin", "https://keys.example.com"), host, host], true),
        ];
        for (headers, wanted) in table {
            assert_eq!(refused(headers), *wanted, "{headers:?}");
        }
    }
}
