//! Which address the audit log has.

use std::net::{IpAddr, SocketAddr};

use apikeys_tower::{ApiKeyLayer, PeerAddr};
use axum::{Router, routing::get};

use crate::support::{Host, HostExt as _, send, with_lines};

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

#[tokio::test]
async fn closure_alone_finds_the_peer() {
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
async fn connect_info_of_axum_is_the_peer() {
    use axum::extract::ConnectInfo;

    let host = Host::new().await;
    let peer: SocketAddr = "[2001:db8::1]:50123".parse().unwrap();
    assert_eq!(address(&host, host.layer(), Some(ConnectInfo(peer)), &[]).await, Some(ip("2001:db8::1")));
}
