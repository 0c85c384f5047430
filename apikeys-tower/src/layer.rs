use std::{net::IpAddr, sync::Arc};

use apikeys_core::{
    ApiKeys,
    http::{DenialRenderer, Rules, Sources, Wording},
};
use http::Extensions;
use tower_layer::Layer;

use crate::{ApiKeyService, guard::Guard, peer::PeerSource};

/// Lets requests with a valid key through to a service, and answers the others itself.
///
/// Cheap to clone. See the [crate's page](crate) for the rules and an example.
#[derive(Debug, Clone)]
pub struct ApiKeyLayer {
    guard: Arc<Guard>,
}

impl ApiKeyLayer {
    /// Every request needs a key of `keys`, sent as `Authorization: Bearer <key>`.
    #[must_use]
    pub fn new(keys: ApiKeys) -> Self {
        Self { guard: Arc::new(Guard { keys, rules: Rules::new(), peer: PeerSource::default() }) }
    }

    /// A request with no credential passes, without a [`Caller`](crate::Caller). One that is
    /// present is checked as ever: a wrong key is refused.
    #[must_use]
    pub fn optional(self) -> Self {
        self.with_rules(Rules::optional)
    }

    /// Where keys are taken from; [`Sources::bearer`] if not set.
    ///
    /// ```
    /// use apikeys_tower::{ApiKeyLayer, apikeys_core::{ApiKeys, http::Sources}};
    ///
    /// let layer = ApiKeyLayer::new(ApiKeys::in_memory())
    ///     .sources(Sources::bearer().header("x-api-key")?);
    /// # Ok::<(), apikeys_tower::apikeys_core::http::InvalidHeaderName>(())
    /// ```
    #[must_use]
    pub fn sources(self, sources: Sources) -> Self {
        self.with_rules(|rules| rules.sources(sources))
    }

    /// The wording of denials, and whether the legacy `X-RateLimit-*` headers are sent.
    #[must_use]
    pub fn wording(self, wording: Wording) -> Self {
        self.with_rules(|rules| rules.wording(wording))
    }

    /// Leaves the credential in the request that the inner service sees, marked with
    /// [`HeaderValue::set_sensitive`](http::HeaderValue::set_sensitive). If not set, all headers
    /// of the [`sources`](Self::sources) are removed from admitted requests.
    #[must_use]
    pub fn keep_credential(self) -> Self {
        self.with_rules(Rules::keep_credential)
    }

    /// How many proxies of the host's own stand before the service; 0 if not set. The client's
    /// address on the audit log is then counted from the right of `X-Forwarded-For`. Too high a
    /// number believes what clients write there.
    #[must_use]
    pub fn trusted_hops(self, hops: usize) -> Self {
        self.with_rules(|rules| rules.trusted_hops(hops))
    }

    /// How to find the peer's address in a request's extensions, in place of
    /// [`PeerAddr`](crate::PeerAddr) and, with feature `axum`, `ConnectInfo<SocketAddr>`.
    /// `None`: the address is not known, and the audit log has none.
    #[must_use]
    pub fn peer_addr<F>(mut self, find: F) -> Self
    where
        F: Fn(&Extensions) -> Option<IpAddr> + Send + Sync + 'static,
    {
        Arc::make_mut(&mut self.guard).peer = PeerSource::Own(Arc::new(find));
        self
    }

    /// Gives denials another body than `application/problem+json`. Status and all other headers
    /// stay.
    ///
    /// ```
    /// use apikeys_tower::{ApiKeyLayer, apikeys_core::{ApiKeys, Denial, http::{Answer, Rendered}}};
    ///
    /// let layer = ApiKeyLayer::new(ApiKeys::in_memory())
    ///     .renderer(|_: &Denial, answer: &Answer| Rendered::new("text/plain", answer.problem.title));
    /// ```
    #[must_use]
    pub fn renderer(self, renderer: impl DenialRenderer) -> Self {
        self.with_rules(|rules| rules.renderer(renderer))
    }

    fn with_rules(mut self, change: impl FnOnce(Rules) -> Rules) -> Self {
        let guard = Arc::make_mut(&mut self.guard);
        guard.rules = change(std::mem::take(&mut guard.rules));
        self
    }
}

impl<S> Layer<S> for ApiKeyLayer {
    type Service = ApiKeyService<S>;

    fn layer(&self, inner: S) -> ApiKeyService<S> {
        ApiKeyService::new(inner, Arc::clone(&self.guard))
    }
}
