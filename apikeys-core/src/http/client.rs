use std::{
    mem::replace,
    net::{IpAddr, SocketAddr},
};

use super::Headers;
use crate::audit::{RequestId, RequestMeta, TraceId};

/// Returns the description of a request for the audit log, which contains the method, the path without query,
/// the client's address, the user agent, `X-Request-Id` if it is valid, and the trace id of a valid
/// `traceparent`.
pub(super) fn request_meta(
    method: &str,
    path: &str,
    headers: &(impl Headers + ?Sized),
    peer: Option<IpAddr>,
    trusted_hops: usize,
) -> RequestMeta {
    let mut meta = RequestMeta::new(method, path);
    meta.set_client_ip(client_address(peer, headers, trusted_hops));
    // If a header has several lines, the first is used.
    let (mut has_agent, mut has_request_id, mut has_traceparent) = (false, false, false);
    for (name, value) in headers.lines() {
        match name {
            "user-agent" if !replace(&mut has_agent, true) => meta.set_user_agent(value),
            "x-request-id" if !replace(&mut has_request_id, true) => {
                meta.set_request_id(RequestId::from_header(value));
            }
            "traceparent" if !replace(&mut has_traceparent, true) => {
                meta.set_trace_id(TraceId::from_traceparent(value));
            }
            _ => {}
        }
    }
    meta
}

/// Returns the client's address, which is determined as [`Authenticator::trusted_hops`] describes.
///
/// [`Authenticator::trusted_hops`]: super::Authenticator::trusted_hops
fn client_address(
    peer: Option<IpAddr>,
    headers: &(impl Headers + ?Sized),
    trusted_hops: usize,
) -> Option<IpAddr> {
    let peer = peer?.to_canonical();
    let Some(from_right) = trusted_hops.checked_sub(1) else { return Some(peer) };
    let lines: Vec<&[u8]> = headers.values("x-forwarded-for").collect();
    let mut entries = lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
    match entries.nth(from_right) {
        Some(entry) => address(entry),
        None => Some(peer),
    }
}

/// Reads `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]` or `[::1]:80`.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_matches([' ', '\t']);
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let ip = bare.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    ip.ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_address_is_counted_from_the_right_over_trusted_hops() {
        type Row = (Option<&'static str>, &'static [&'static str], usize, Option<&'static str>);
        let table: &[Row] = &[
            // Without trusted hops, the header is ignored.
            (Some("9.9.9.9"), &[], 0, Some("9.9.9.9")),
            (Some("9.9.9.9"), &["1.1.1.1"], 0, Some("9.9.9.9")),
            // The client can add entries on the left only.
            (Some("9.9.9.9"), &["6.6.6.6, 1.1.1.1"], 1, Some("1.1.1.1")),
            (Some("9.9.9.9"), &["6.6.6.6, 1.1.1.1, 2.2.2.2"], 2, Some("1.1.1.1")),
            // Several header lines form one list.
            (Some("9.9.9.9"), &["6.6.6.6", "1.1.1.1"], 1, Some("1.1.1.1")),
            (Some("9.9.9.9"), &["6.6.6.6, 1.1.1.1", "2.2.2.2"], 2, Some("1.1.1.1")),
            // If there are fewer entries than hops, the request did not pass all proxies.
            (Some("9.9.9.9"), &["1.1.1.1"], 2, Some("9.9.9.9")),
            (Some("9.9.9.9"), &[], 1, Some("9.9.9.9")),
            // Addresses are accepted in other forms, too.
            (Some("9.9.9.9"), &["1.1.1.1:80"], 1, Some("1.1.1.1")),
            (Some("9.9.9.9"), &["[2001:db8::1]:443"], 1, Some("2001:db8::1")),
            (Some("9.9.9.9"), &["[2001:db8::1]"], 1, Some("2001:db8::1")),
            (Some("9.9.9.9"), &["2001:db8::1"], 1, Some("2001:db8::1")),
            (Some("::ffff:1.2.3.4"), &[], 0, Some("1.2.3.4")),
            (Some("9.9.9.9"), &["::ffff:1.2.3.4"], 1, Some("1.2.3.4")),
            // If the entry is not an address, the client's address is unknown.
            (Some("9.9.9.9"), &["1.1.1.1, unknown"], 1, None),
            (Some("9.9.9.9"), &[""], 1, None),
            (Some("9.9.9.9"), &["\u{1b}"], 1, None),
            // If the peer is unknown, the client's address is unknown.
            (None, &["1.1.1.1"], 1, None),
            (None, &[], 0, None),
        ];
        for (peer, lines, hops, wanted) in table {
            let headers: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", line.as_bytes())).collect();
            let parse = |text: &str| text.parse::<IpAddr>().unwrap();
            assert_eq!(
                client_address(peer.map(parse), headers.as_slice(), *hops),
                wanted.map(parse),
                "{peer:?} {lines:?} {hops}"
            );
        }
    }

    #[test]
    fn request_meta_has_the_headers_values_and_no_query() {
        let headers: &[(&str, &[u8])] = &[
            ("user-agent", b"curl/8"),
            ("x-request-id", b"r-1"),
            ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            // If a header has several lines, the first is used.
            ("user-agent", b"other"),
            ("x-request-id", b"other"),
            ("traceparent", b"00-00000000000000000000000000000001-00f067aa0ba902b7-01"),
        ];
        let meta = request_meta("GET", "/a?b=c", headers, None, 0);
        assert_eq!((meta.path(), meta.user_agent()), ("/a", Some("curl/8")));
        assert_eq!(meta.request_id().unwrap().to_string(), "r-1");
        assert_eq!(meta.trace_id().unwrap().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(
            request_meta("GET", "/", &[("x-request-id", &b"a b"[..])][..], None, 0).request_id(),
            None
        );
    }
}
