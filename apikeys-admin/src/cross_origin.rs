use apikeys_core::http::Headers;

use crate::origin::{Authority, Origin};

/// Returns whether the request may come from a page of another origin, so that a change must be refused.
///
/// The first row that applies decides:
///
/// | `Origin` | `Sec-Fetch-Site` | result |
/// | --- | --- | --- |
/// | one of the `allowed` origins | any | accepted |
/// | any, or missing | `same-origin` or `none` | accepted |
/// | any, or missing | any other value | refused |
/// | missing | missing | accepted, because the request comes from a program |
/// | the host and port of `Host` | missing | accepted |
/// | any other | missing | refused |
///
/// A repeated `Origin` is treated like the origin of another site, and a repeated `Sec-Fetch-Site` like
/// `cross-site`. Browsers send `none` if the user caused the request, for example with a bookmark. Pages cannot
/// set these headers.
pub(crate) fn is_cross_origin(headers: &(impl Headers + ?Sized), allowed: &[Origin]) -> bool {
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

/// The lines of a header in a request.
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

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: &str = "https://app.example.com";
    const HOST: &[u8] = b"keys.example.com";

    fn refused(headers: &[(&str, &[u8])]) -> bool {
        is_cross_origin(headers, &[ALLOWED.parse().unwrap()])
    }

    fn refused_from(origin: &str, host: &str) -> bool {
        refused(&[("origin", origin.as_bytes()), ("host", host.as_bytes())])
    }

    /// The kind of `Origin` in the table of [`is_cross_origin`].
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum From {
        Nowhere,
        Allowed,
        SameHost,
        Elsewhere,
    }

    /// The table of [`is_cross_origin`] in code.
    fn is_refused_by_the_table(from: From, site_lines: &[&[u8]], host_lines: &[&[u8]]) -> bool {
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
    fn every_combination_of_origin_and_sec_fetch_site_follows_the_table() {
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
                    let wanted = is_refused_by_the_table(*from, site_lines, host_lines);
                    let shown = headers.iter().map(|(name, value)| (name, value.escape_ascii().to_string()));
                    assert_eq!(refused(&headers), wanted, "{:?}", shown.collect::<Vec<_>>());
                    passed += u32::from(!wanted);
                    seen += 1;
                }
            }
        }
        // 2 allowed origins pass in all 55 cases, and 15 other origins with 2 good sites on 5 hosts. Without
        // a site, a missing origin passes on 5 hosts, and 2 origins of the same host on 1 host.
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
