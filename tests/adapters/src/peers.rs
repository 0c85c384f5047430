//! What the audit log knows of a client.

#![allow(missing_docs, reason = "the name of each test says what is tested")]

use std::net::IpAddr;

use crate::{Adapter, Host, Options, handled};

/// The address on the audit log of a request from `peer` with these lines of `X-Forwarded-For`.
async fn address<A: Adapter>(
    host: &Host,
    trusted_hops: usize,
    peer: Option<&str>,
    lines: &[&str],
) -> Option<IpAddr> {
    let app = host.app::<A>(Options { trusted_hops, ..Options::default() }, handled()).await;
    let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
    let mut request = host.request("/").with(&lines);
    request.peer = peer.map(ip);
    assert_eq!(A::send(&app, request).await.status, 200);
    host.requests().await.last().unwrap().meta.client_ip()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub async fn address_is_that_of_the_peer_or_the_entry_of_trusted_hops<A: Adapter>() {
    let host = Host::new().await;
    let table: &[(&str, &[&str], usize, Option<&str>)] = &[
        ("9.9.9.9", &[], 0, Some("9.9.9.9")),
        ("9.9.9.9", &["1.1.1.1"], 0, Some("9.9.9.9")),
        ("9.9.9.9", &["6.6.6.6, 1.1.1.1"], 1, Some("1.1.1.1")),
        ("9.9.9.9", &["6.6.6.6", "1.1.1.1"], 1, Some("1.1.1.1")),
        ("9.9.9.9", &["6.6.6.6, 1.1.1.1, 2.2.2.2"], 2, Some("1.1.1.1")),
        ("9.9.9.9", &["6.6.6.6, 1.1.1.1", "2.2.2.2"], 2, Some("1.1.1.1")),
        ("9.9.9.9", &["1.1.1.1"], 2, Some("9.9.9.9")),
        ("::ffff:1.2.3.4", &[], 0, Some("1.2.3.4")),
        ("9.9.9.9", &["::ffff:1.2.3.4"], 1, Some("1.2.3.4")),
        ("9.9.9.9", &["unknown"], 1, None),
    ];
    for (peer, lines, hops, wanted) in table {
        let found = address::<A>(&host, *hops, Some(peer), lines).await;
        assert_eq!(found, wanted.map(ip), "{peer:?} {lines:?} {hops}");
    }
}

pub async fn request_from_an_unknown_peer_has_no_address_with_any_headers<A: Adapter>() {
    let host = Host::new().await;
    assert_eq!(address::<A>(&host, 1, None, &["1.1.1.1"]).await, None);
}

pub async fn event_has_method_user_agent_request_id_and_trace_id<A: Adapter>() {
    let host = Host::new().await;
    let request = host.request("/").with(&[
        ("user-agent", "curl/8.5"),
        ("x-request-id", "r-1"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ]);
    A::send(&host.handled::<A>().await, request).await;
    let meta = host.requests().await[0].meta.clone();
    assert_eq!((meta.method(), meta.user_agent()), ("GET", Some("curl/8.5")));
    assert_eq!(meta.request_id().unwrap().to_string(), "r-1");
    assert_eq!(meta.trace_id().unwrap().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
}
