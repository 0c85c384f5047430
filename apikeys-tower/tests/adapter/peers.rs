//! Tests of the client address in the audit log.

use std::net::{IpAddr, SocketAddr};

use apikeys_tower::{ApiKeyLayer, PeerAddr};
use axum::{Router, routing::get};

use crate::support::{Host, HostExt as _, send, with_lines};

/// Sends a request from `peer` with these `X-Forwarded-For` lines, and returns the recorded address.
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

#[tokio::test]
async fn peer_addr_function_replaces_all_other_sources_of_the_address() {
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
async fn address_of_connect_info_is_recorded() {
    use axum::extract::ConnectInfo;

    let host = Host::new().await;
    let peer: SocketAddr = "[2001:db8::1]:50123".parse().unwrap();
    assert_eq!(address(&host, host.layer(), Some(ConnectInfo(peer)), &[]).await, Some(ip("2001:db8::1")));
}
