use std::{fmt, net::IpAddr, sync::Arc};

use actix_web::HttpRequest;

/// The source of the address at the other end of the connection.
#[derive(Clone, Default)]
pub(crate) enum PeerSource {
    #[default]
    Connection,
    Own(Arc<Find>),
}

type Find = dyn Fn(&HttpRequest) -> Option<IpAddr> + Send + Sync;

impl PeerSource {
    pub(crate) fn find(&self, request: &HttpRequest) -> Option<IpAddr> {
        match self {
            Self::Connection => request.peer_addr().map(|peer| peer.ip()),
            Self::Own(find) => find(request),
        }
    }
}

impl fmt::Debug for PeerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "Connection",
            Self::Own(_) => "Own(…)",
        })
    }
}
