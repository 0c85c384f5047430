//! Our layer.

use apikeys_benches::{Engine, Result};
use apikeys_tower::ApiKeyLayer;

use super::{bearer, routes};
use crate::rounds::Timed;

/// Returns the service with our layer. Between two rounds, all rate limits become unused.
pub(super) fn timed(engine: &Engine) -> Result<Timed<'_>> {
    engine.warm_up()?;
    let router = routes().layer(ApiKeyLayer::new(engine.keys().clone()));
    let mut timed = super::timed("apikeys-tower", router, &engine.secrets, bearer);
    timed.flush = Box::new(|| engine.flush());
    timed.next_minute = Box::new(|| engine.next_minute());
    Ok(timed)
}
