//! Which address the audit log has.

use std::net::{IpAddr, SocketAddr};

use apikeys_actix::ApiKeyMiddleware;

use crate::support::{Host, HostExt as _, send, serving, with_lines};

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

#[actix_web::test]
async fn closure_alone_finds_the_peer() {
    let host = Host::new().await;
    let forwarded = host
        .middleware()
        .peer_addr(|request| request.headers().get("x-forwarded-for")?.to_str().ok()?.parse().ok());
    let found = address(&host, forwarded.clone(), Some("8.8.8.8"), &["9.9.9.9"]).await;
    assert_eq!(found, Some(ip("9.9.9.9")));
    assert_eq!(address(&host, forwarded, Some("8.8.8.8"), &[]).await, None);
}
