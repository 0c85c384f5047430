use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use http::Extensions;

/// The address at the other end of a request's connection.
///
/// Insert a `PeerAddr` into the extensions of each request before the [`ApiKeyLayer`] gets the request. The layer
/// records the address in the audit log. In axum, start the service with
/// `Router::into_make_service_with_connect_info::<SocketAddr>` instead. The layer then reads the address from
/// `ConnectInfo`.
///
/// ```
/// use apikeys_tower::PeerAddr;
///
/// let accepted: std::net::SocketAddr = "192.0.2.7:50123".parse()?;
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(PeerAddr::from(accepted));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
///
/// [`ApiKeyLayer`]: crate::ApiKeyLayer
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerAddr(pub IpAddr);

impl From<IpAddr> for PeerAddr {
    fn from(ip: IpAddr) -> Self {
        Self(ip)
    }
}

impl From<SocketAddr> for PeerAddr {
    fn from(address: SocketAddr) -> Self {
        Self(address.ip())
    }
}

/// The source of the address at the other end of the connection.
#[derive(Clone, Default)]
pub(crate) enum PeerSource {
    #[default]
    Known,
    Own(Arc<Find>),
}

type Find = dyn Fn(&Extensions) -> Option<IpAddr> + Send + Sync;

impl PeerSource {
    pub(crate) fn find(&self, extensions: &Extensions) -> Option<IpAddr> {
        match self {
            Self::Known => known(extensions),
            Self::Own(find) => find(extensions),
        }
    }
}

impl fmt::Debug for PeerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known => "Known",
            Self::Own(_) => "Own(…)",
        })
    }
}

fn known(extensions: &Extensions) -> Option<IpAddr> {
    let own = extensions.get::<PeerAddr>().map(|peer| peer.0);
    #[cfg(feature = "axum")]
    let own = own.or_else(|| {
        extensions.get::<axum::extract::ConnectInfo<SocketAddr>>().map(|connected| connected.0.ip())
    });
    own
}
