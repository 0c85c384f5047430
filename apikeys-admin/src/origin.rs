use std::str::FromStr;

use apikeys_core::http::Headers;

/// The origin of a web page, such as `https://app.example.com`: scheme, host and port (RFC 6454).
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
    authority: Authority,
}

/// The error returned when a text is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid origin: expected a scheme and a host, such as https://app.example.com, without a path")]
pub struct InvalidOrigin;

/// A host, and its port if one is given.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Authority {
    host: String,
    port: Option<u16>,
}

/// Returns `true` if the request comes from a page of another site and must not change anything.
///
/// The first of these rules that applies decides:
///
/// 1. A single `Origin` line that names one of the `allowed` origins passes.
/// 2. `Sec-Fetch-Site` passes if it is a single line with the value `same-origin` or `none`;
///    browsers send `none` for what the user does by hand, and pages cannot set this header.
/// 3. `Origin` passes if it is a single line with the host and port of a single `Host` line.
/// 4. A request with neither header passes, because it comes from a program, not from a page.
pub(crate) fn is_cross_site(headers: &(impl Headers + ?Sized), allowed: &[Origin]) -> bool {
    let origin_lines = lines(headers, "origin");
    let origin = match origin_lines {
        Lines::One(line) => std::str::from_utf8(line).ok().and_then(|text| text.parse::<Origin>().ok()),
        Lines::None | Lines::Many => None,
    };
    if origin.as_ref().is_some_and(|origin| allowed.contains(origin)) {
        return false;
    }
    match (lines(headers, "sec-fetch-site"), origin_lines) {
        (Lines::One(site), _) => !matches!(site, b"same-origin" | b"none"),
        (Lines::Many, _) => true,
        (Lines::None, Lines::None) => false,
        (Lines::None, Lines::One(_) | Lines::Many) => {
            let Lines::One(host) = lines(headers, "host") else { return true };
            let host = std::str::from_utf8(host).ok().and_then(Authority::parse);
            !origin.zip(host).is_some_and(|(origin, host)| origin.is_at(&host))
        }
    }
}

/// The lines of a header.
#[derive(Clone, Copy)]
enum Lines<'a> {
    None,
    One(&'a [u8]),
    Many,
}

fn lines<'a>(headers: &'a (impl Headers + ?Sized), name: &'a str) -> Lines<'a> {
    let mut values = headers.values(name);
    match (values.next(), values.next()) {
        (None, _) => Lines::None,
        (Some(line), None) => Lines::One(line),
        (Some(_), Some(_)) => Lines::Many,
    }
}

impl Origin {
    /// Returns `true` if the host and the port are the same. A `Host` without a port has the default
    /// port of the origin's scheme, because the request's own scheme is unknown behind a proxy.
    fn is_at(&self, host: &Authority) -> bool {
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
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`. Returns `None` if the text is anything else.
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

    const ALLOWED: &str = "https://app.example.com";
    const HOST: &[u8] = b"keys.example.com";

    fn refused(headers: &[(&str, &[u8])]) -> bool {
        is_cross_site(headers, &[ALLOWED.parse().unwrap()])
    }

    fn refused_from(origin: &str, host: &str) -> bool {
        refused(&[("origin", origin.as_bytes()), ("host", host.as_bytes())])
    }

    /// What a row of `Origin` lines means to the naive rule below.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum From {
        Nowhere,
        Allowed,
        SameHost,
        Elsewhere,
    }

    /// The rule, written down once more from its three sentences.
    fn is_refused_by_the_rule(from: From, site_lines: &[&[u8]], host_lines: &[&[u8]]) -> bool {
        match (from, site_lines) {
            (From::Allowed, _) => false,
            (_, [site]) => !(*site == b"same-origin" || *site == b"none"),
            (_, [_, _, ..]) => true,
            (From::Nowhere, []) => false,
            (From::SameHost, []) => host_lines != [HOST],
            (From::Elsewhere, []) => true,
        }
    }

    #[test]
    fn every_combination_of_origin_and_sec_fetch_site_follows_the_rule() {
        let origins: &[(From, &[&[u8]])] = &[
            (From::Nowhere, &[]),
            (From::Allowed, &[b"https://app.example.com"]),
            (From::Allowed, &[b"https://APP.example.com:443"]),
            (From::SameHost, &[b"https://keys.example.com"]),
            (From::SameHost, &[b"http://keys.example.com"]),
            (From::Elsewhere, &[b"https://evil.example"]),
            (From::Elsewhere, &[b"http://app.example.com"]),
            (From::Elsewhere, &[b"https://app.example.com:444"]),
            (From::Elsewhere, &[b"https://app.example.com.evil.example"]),
            (From::Elsewhere, &[b"https://app.example.com/"]),
            (From::Elsewhere, &[b"https://app.example.com, https://evil.example"]),
            (From::Elsewhere, &[b"null"]),
            (From::Elsewhere, &[b""]),
            (From::Elsewhere, &[b"\xff"]),
            (From::Elsewhere, &[b"https://app.example.com", b"https://app.example.com"]),
            (From::Elsewhere, &[b"https://app.example.com", b"https://evil.example"]),
            (From::Elsewhere, &[b"https://keys.example.com", b"https://keys.example.com"]),
        ];
        let sites: &[&[&[u8]]] = &[
            &[],
            &[b"same-origin"],
            &[b"none"],
            &[b"same-site"],
            &[b"cross-site"],
            &[b""],
            &[b"Same-Origin"],
            &[b"same-origin, none"],
            &[b"\xff"],
            &[b"same-origin", b"same-origin"],
            &[b"none", b"cross-site"],
        ];
        let hosts: &[&[&[u8]]] = &[&[], &[HOST], &[HOST, HOST], &[b"10.0.0.7:8080"], &[b"\xff"]];
        let (mut passed, mut seen) = (0, 0);
        for (from, origin_lines) in origins {
            for site_lines in sites {
                for host_lines in hosts {
                    let lines = |name: &'static str, values: &[&'static [u8]]| {
                        values.iter().map(|value| (name, *value)).collect::<Vec<_>>()
                    };
                    let headers = [
                        lines("origin", origin_lines),
                        lines("sec-fetch-site", site_lines),
                        lines("host", host_lines),
                    ]
                    .concat();
                    let wanted = is_refused_by_the_rule(*from, site_lines, host_lines);
                    let shown = headers.iter().map(|(name, value)| (name, value.escape_ascii().to_string()));
                    assert_eq!(refused(&headers), wanted, "{:?}", shown.collect::<Vec<_>>());
                    passed += u32::from(!wanted);
                    seen += 1;
                }
            }
        }
        // 2 allowed origins in all 55 cases; 15 others with 2 good sites on 5 hosts; without a
        // site, no origin on 5 hosts and 2 of the same host on 1.
        assert_eq!((passed, seen), (110 + 150 + 5 + 2, 935));
    }

    #[test]
    fn origin_is_compared_with_host_by_host_and_port() {
        for (origin, host, wanted) in [
            ("https://KEYS.example.com:443", "keys.example.com", false),
            ("https://keys.example.com:8443", "keys.example.com", true),
            ("https://keys.example.com", "keys.example.com:443", false),
            ("https://keys.example.com", "keys.example.com:80", true),
            ("http://127.0.0.1:3000", "127.0.0.1:3000", false),
            ("http://127.0.0.1:3001", "127.0.0.1:3000", true),
            ("http://[::1]:3000", "[::1]:3000", false),
            ("http://[::1]", "[::1]:80", false),
            ("https://keys.example.com.evil.example", "keys.example.com", true),
            ("https://evil.example/keys.example.com", "keys.example.com", true),
            ("https://keys.example.com@evil.example", "keys.example.com", true),
            ("keys.example.com", "keys.example.com", true),
            ("https://keys.example.com/", "keys.example.com", true),
            ("https://", "", true),
            ("https://a:99999", "a:99999", true),
            ("https://a:+80", "a:80", true),
        ] {
            assert_eq!(refused_from(origin, host), wanted, "{origin} at {host}");
        }
    }
}
