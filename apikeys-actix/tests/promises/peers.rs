//! Which address the audit log has.

use std::net::{IpAddr, SocketAddr};

use apikeys_actix::ApiKeyMiddleware;

use crate::support::{Host, send, serving, with_lines};

/// The address on the audit log, of a request from a peer with these lines of `X-Forwarded-For`.
async fn address(
    host: &Host,
    middleware: ApiKeyMiddleware,
    peer: Option<&str>,
    lines: &[&str],
) -> Option<IpAddr> {
    let bearer = host.bearer();
    let mut headers = vec![("authorization", &*bearer)];
    headers.extend(lines.iter().map(|line| ("x-forwarded-for", *line)));
    let mut request = with_lines("/", &headers);
    if let Some(peer) = peer {
        request = request.peer_addr(SocketAddr::new(ip(peer), 50_123));
    }
    assert_eq!(send(&serving(middleware, async || "").await, request).await.status, 200);
    host.requests().await.last().unwrap().meta.client_ip()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// R28.
#[actix_web::test]
async fn the_address_is_the_peers_or_counted_over_trusted_hops() {
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
        let middleware = host.middleware().trusted_hops(*hops);
        let found = address(&host, middleware, Some(peer), lines).await;
        assert_eq!(found, wanted.map(ip), "{peer:?} {lines:?} {hops}");
    }
}

/// R28.
#[actix_web::test]
async fn without_a_known_peer_no_header_is_believed() {
    let host = Host::new().await;
    assert_eq!(address(&host, host.middleware().trusted_hops(1), None, &["1.1.1.1"]).await, None);
}

#[actix_web::test]
async fn a_closure_decides_alone_where_the_peer_is_found() {
    let host = Host::new().await;
    let forwarded = host
        .middleware()
        .peer_addr(|request| request.headers().get("x-forwarded-for")?.to_str().ok()?.parse().ok());
    let found = address(&host, forwarded.clone(), Some("8.8.8.8"), &["9.9.9.9"]).await;
    assert_eq!(found, Some(ip("9.9.9.9")));
    assert_eq!(address(&host, forwarded, Some("8.8.8.8"), &[]).await, None);
}

#[actix_web::test]
async fn the_audit_log_has_method_agent_request_id_and_trace() {
    let host = Host::new().await;
    let lines = [
        ("authorization", &*host.bearer()),
        ("user-agent", "curl/8.5"),
        ("x-request-id", "r-1"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    send(&serving(host.middleware(), async || "").await, with_lines("/", &lines)).await;
    let meta = host.requests().await[0].meta.clone();
    assert_eq!((meta.method(), meta.user_agent()), ("GET", Some("curl/8.5")));
    assert_eq!(meta.request_id().unwrap().to_string(), "r-1");
    assert_eq!(meta.trace_id().unwrap().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
}
