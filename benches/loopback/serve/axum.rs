use std::net::SocketAddr;

use apikeys_benches::{Result, headers_only::HeadersOnly, secrets};
use apikeys_tower::ApiKeyLayer;
use axum::{Router, http::Request, routing::get, serve::ListenerExt};
use tokio::net::TcpListener;
use tower_governor::{
    GovernorError, GovernorLayer, governor::GovernorConfigBuilder, key_extractor::KeyExtractor,
};

use super::{
    ANY_PORT, KEYS, PATH, Variant, print_address,
    stores::{Stored, postgres, sqlite, unrecorded},
};

pub(super) async fn run(variant: Variant) -> Result<()> {
    let routes = Router::new().route(PATH, get(async || "ok"));
    let with_keys = |stored: Stored, routes: Router| {
        let app = routes.layer(ApiKeyLayer::new(stored.keys.clone()));
        (app, stored.secrets.clone(), stored)
    };
    let (app, secrets, _stored) = match variant {
        Variant::AxumGovernor => (limited(routes)?, secrets(KEYS)?, None),
        Variant::AxumHeadersOnly => (routes.layer(HeadersOnly::layer()), secrets(KEYS)?, None),
        Variant::AxumApiKeys => kept(with_keys(unrecorded().await?, routes)),
        Variant::AxumSqlite => kept(with_keys(sqlite().await?, routes)),
        Variant::AxumPostgres => kept(with_keys(postgres().await?, routes)),
        _ => (routes, secrets(KEYS)?, None),
    };
    let listener = TcpListener::bind(ANY_PORT).await?;
    print_address(listener.local_addr()?, &secrets);
    let listener = listener.tap_io(|stream| {
        // Without this option, the server only gets slower.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

fn kept((app, secrets, stored): (Router, Vec<String>, Stored)) -> (Router, Vec<String>, Option<Stored>) {
    (app, secrets, Some(stored))
}

/// Only a rate limit for each caller: 10,000 requests a minute, all of which may come at once.
fn limited(routes: Router) -> Result<Router> {
    let mut config =
        GovernorConfigBuilder::default().per_millisecond(6).burst_size(10_000).key_extractor(ByCaller);
    Ok(routes.layer(GovernorLayer::new(config.finish().ok_or("the rate limit is invalid")?)))
}

/// Tells callers apart by the header with the key.
#[derive(Debug, Clone)]
struct ByCaller;

impl KeyExtractor for ByCaller {
    type Key = String;

    fn extract<T>(&self, request: &Request<T>) -> std::result::Result<String, GovernorError> {
        let value = request.headers().get("authorization").ok_or(GovernorError::UnableToExtractKey)?;
        value.to_str().map(str::to_owned).map_err(|_| GovernorError::UnableToExtractKey)
    }
}
