//! Which address the audit log has.

use std::net::{IpAddr, SocketAddr};

use apikeys_tower::{ApiKeyLayer, PeerAddr};
use axum::{Router, routing::get};

use crate::support::{Host, send, with_lines};

/// The address on the audit log, of a request over `layer` from a peer with these lines of
/// `X-Forwarded-For`.
async fn address<E: Clone + Send + Sync + 'static>(
    host: &Host,
    layer: ApiKeyLayer,
    peer: Option<E>,
    lines: &[&str],
) -> Option<IpAddr> {
    let bearer = host.bearer();
    let mut headers = vec![("authorization", &*bearer)];
    headers.extend(lines.iter().map(|line| ("x-forwarded-for", *line)));
    let mut request = with_lines("/", &headers);
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer);
    }
    let app = Router::new().route("/", get(|| async {})).route_layer(layer);
    assert_eq!(send(app, request).await.status, 200);
    host.requests().await.last().unwrap().meta.client_ip()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// R28.
#[tokio::test]
async fn the_address_is_the_peers_or_counted_over_trusted_hops() {
    let host = Host::new().await;
    let table: &[(&str, &[&str], usize, Option<&str>)] = &[
        ("9.9.9.9", &[], 0, Some("9.9.9.9")),
        ("9.9.9.9", &["1.1.1.1"], 0, Some("9.9.9.9")),
        ("9.9.9.9", &["6.6.6.6, 1.1.1.1"], 1, Some("1.1.1.1")),
        ("9.9.9.9", &["6.6.6.6", "1.1.1.1"], 1, Some("1.1.1.1")),
        ("9.9.9.9", &["6.6.6.6, 1.1.1.1, 2.2.2.2"], 2, Some("1.1.1.1")),
        ("9.9.9.9", &["1.1.1.1"], 2, Some("9.9.9.9")),
        ("::ffff:1.2.3.4", &[], 0, Some("1.2.3.4")),
        ("9.9.9.9", &["::ffff:1.2.3.4"], 1, Some("1.2.3.4")),
        ("9.9.9.9", &["unknown"], 1, None),
    ];
    for (peer, lines, hops, wanted) in table {
        let peer = Some(PeerAddr(ip(peer)));
        let found = address(&host, host.layer().trusted_hops(*hops), peer, lines).await;
        assert_eq!(found, wanted.map(ip), "{peer:?} {lines:?} {hops}");
    }
}

/// R28.
#[tokio::test]
async fn without_a_known_peer_no_header_is_believed() {
    let host = Host::new().await;
    let unknown: Option<PeerAddr> = None;
    assert_eq!(address(&host, host.layer().trusted_hops(1), unknown, &["1.1.1.1"]).await, None);
}

#[tokio::test]
async fn a_closure_decides_alone_where_the_peer_is_found() {
    #[derive(Clone)]
    struct Connection(SocketAddr);

    let host = Host::new().await;
    let layer = || host.layer().peer_addr(|extensions| Some(extensions.get::<Connection>()?.0.ip()));
    let connection = Connection("9.9.9.9:80".parse().unwrap());
    assert_eq!(address(&host, layer(), Some(connection), &[]).await, Some(ip("9.9.9.9")));
    assert_eq!(address(&host, layer(), Some(PeerAddr(ip("8.8.8.8"))), &[]).await, None);
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn axums_connect_info_is_known() {
    use axum::extract::ConnectInfo;

    let host = Host::new().await;
    let peer: SocketAddr = "[2001:db8::1]:50123".parse().unwrap();
    assert_eq!(address(&host, host.layer(), Some(ConnectInfo(peer)), &[]).await, Some(ip("2001:db8::1")));
}

#[tokio::test]
async fn the_audit_log_has_method_agent_request_id_and_trace() {
    let host = Host::new().await;
    let app = Router::new().route("/", get(|| async {})).route_layer(host.layer());
    let lines = [
        ("authorization", &*host.bearer()),
        ("user-agent", "curl/8.5"),
        ("x-request-id", "r-1"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    send(app, with_lines("/", &lines)).await;
    let meta = host.requests().await[0].meta.clone();
    assert_eq!((meta.method(), meta.user_agent()), ("GET", Some("curl/8.5")));
    assert_eq!(meta.request_id().unwrap().to_string(), "r-1");
    assert_eq!(meta.trace_id().unwrap().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
}
