//! The services. Each runs in a process of its own.

mod actix;
mod axum;
mod stores;

use std::net::{Ipv4Addr, SocketAddr};

use apikeys_benches::Result;
use tokio::runtime::Builder;

/// The number of keys of each service.
pub(crate) const KEYS: usize = 1_000;
const PATH: &str = "/v1/items";
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    AxumBare,
    AxumApiKeys,
    AxumGovernor,
    AxumHeadersOnly,
    AxumSqlite,
    AxumPostgres,
    ActixBare,
    ActixApiKeys,
    ActixHeadersOnly,
}

impl Variant {
    const ALL: [Self; 9] = [
        Self::AxumBare,
        Self::AxumApiKeys,
        Self::AxumGovernor,
        Self::AxumHeadersOnly,
        Self::AxumSqlite,
        Self::AxumPostgres,
        Self::ActixBare,
        Self::ActixApiKeys,
        Self::ActixHeadersOnly,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AxumBare => "axum-bare",
            Self::AxumApiKeys => "axum-apikeys",
            Self::AxumGovernor => "axum-governor",
            Self::AxumHeadersOnly => "axum-headers-only",
            Self::AxumSqlite => "axum-sqlite",
            Self::AxumPostgres => "axum-postgres",
            Self::ActixBare => "actix-bare",
            Self::ActixApiKeys => "actix-apikeys",
            Self::ActixHeadersOnly => "actix-headers-only",
        }
    }

    /// Returns whether requests are written to a database.
    pub(crate) fn stores(self) -> bool {
        matches!(self, Self::AxumSqlite | Self::AxumPostgres)
    }
}

/// Runs the service with this name until the process is killed. Prints its address and the secrets of its keys.
pub(crate) fn run(name: &str) -> Result<()> {
    let variant = Variant::ALL.into_iter().find(|variant| variant.as_str() == name);
    let variant = variant.ok_or_else(|| format!("unknown service {name}"))?;
    match variant {
        Variant::ActixBare | Variant::ActixApiKeys | Variant::ActixHeadersOnly => actix::run(variant),
        // The service has one core.
        _ => Builder::new_current_thread().enable_all().build()?.block_on(axum::run(variant)),
    }
}

fn print_address(address: SocketAddr, secrets: &[String]) {
    println!("{address}");
    for secret in secrets {
        println!("{secret}");
    }
}
