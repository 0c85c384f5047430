//! Tests of the client address in the audit log.

use std::net::{IpAddr, SocketAddr};

use apikeys_actix::ApiKeyMiddleware;

use crate::support::{Host, HostExt as _, send, serving, with_lines};

/// Sends a request from `peer` with these `X-Forwarded-For` lines, and returns the recorded address.
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

#[actix_web::test]
async fn peer_addr_function_replaces_all_other_sources_of_the_address() {
    let host = Host::new().await;
    let forwarded = host
        .middleware()
        .peer_addr(|request| request.headers().get("x-forwarded-for")?.to_str().ok()?.parse().ok());
    let found = address(&host, forwarded.clone(), Some("8.8.8.8"), &["9.9.9.9"]).await;
    assert_eq!(found, Some(ip("9.9.9.9")));
    assert_eq!(address(&host, forwarded, Some("8.8.8.8"), &[]).await, None);
}
