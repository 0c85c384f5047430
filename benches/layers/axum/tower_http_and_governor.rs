//! The check of a bearer token of tower-http, and the rate limit for each caller of `tower_governor`.
//!
//! tower-http knows a single token. The callers are told apart by the text in another header.

use apikeys_benches::Result;
use axum::http::{HeaderValue, Request};
use tower_governor::{
    GovernorError, GovernorLayer, governor::GovernorConfigBuilder, key_extractor::KeyExtractor,
};
use tower_http::validate_request::ValidateRequestHeaderLayer;

use super::{CALLER, request, routes};
use crate::rounds::Timed;

/// The header of all callers.
const AUTHORIZATION: &str = "Bearer key_7K2mQx9vRt4LwZp8Nc3HsYb6Jd1Fg5Ta0Ue";
/// The token that all callers know.
const TOKEN: &str = AUTHORIZATION.split_at("Bearer ".len()).1;

/// Returns the service with both layers.
pub(super) fn timed<'a>(secrets: &[String]) -> Result<Timed<'a>> {
    // 10,000 requests a minute, all of which may come at once.
    let config =
        GovernorConfigBuilder::default().per_millisecond(6).burst_size(10_000).key_extractor(ByCaller);
    let limits = { config }.finish().ok_or("the rate limit is invalid")?;
    #[expect(deprecated, reason = "there is no other check of a bearer token in tower-http")]
    let token = ValidateRequestHeaderLayer::bearer(TOKEN);
    let router = routes().layer((token, GovernorLayer::new(limits)));
    Ok(super::timed("tower-http and tower_governor", router, secrets, |caller| {
        request(HeaderValue::from_static(AUTHORIZATION), caller)
    }))
}

/// Tells callers apart by a header.
#[derive(Debug, Clone)]
struct ByCaller;

impl KeyExtractor for ByCaller {
    type Key = String;

    fn extract<T>(&self, request: &Request<T>) -> std::result::Result<String, GovernorError> {
        let value = request.headers().get(CALLER).ok_or(GovernorError::UnableToExtractKey)?;
        value.to_str().map(str::to_owned).map_err(|_| GovernorError::UnableToExtractKey)
    }
}
