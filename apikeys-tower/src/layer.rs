use std::{net::IpAddr, sync::Arc};

use apikeys_core::{
    ApiKeys,
    http::{Authenticator, DenialRenderer, Sources, Wording},
};
use http::Extensions;
use tower_layer::Layer;

use crate::{ApiKeyService, guard::Guard, peer::PeerSource};

/// Lets requests with a valid key through to a service, and answers all others itself.
///
/// Cheap to clone. The [crate's page](crate) has the rules and an example.
#[derive(Debug, Clone)]
pub struct ApiKeyLayer {
    guard: Arc<Guard>,
}

impl ApiKeyLayer {
    /// Requires a key of `keys` for every request, sent as `Authorization: Bearer <key>`.
    #[must_use]
    pub fn new(keys: ApiKeys) -> Self {
        let guard = Guard { authenticator: Authenticator::new(keys), peer: PeerSource::default() };
        Self { guard: Arc::new(guard) }
    }

    /// Lets requests without a credential through, without a [`Caller`](crate::Caller). A
    /// credential that is present is still checked: a request with a wrong key is refused.
    #[must_use]
    pub fn optional(self) -> Self {
        self.with(Authenticator::optional)
    }

    /// Sets where keys are taken from. The default is [`Sources::bearer`].
    ///
    /// ```
    /// use apikeys_tower::{ApiKeys, ApiKeyLayer, Sources};
    ///
    /// let layer =
    ///     ApiKeyLayer::new(ApiKeys::in_memory()).sources(Sources::bearer().header("x-api-key")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// The response to a request whose key came from another header than `Authorization` gets
    /// `Vary` with that header's name, and `Cache-Control: private` unless the handler set one.
    #[must_use]
    pub fn sources(self, sources: Sources) -> Self {
        self.with(|authenticator| authenticator.sources(sources))
    }

    /// Sets the wording of denials, and whether the legacy `X-RateLimit-*` headers are sent.
    #[must_use]
    pub fn wording(self, wording: Wording) -> Self {
        self.with(|authenticator| authenticator.wording(wording))
    }

    /// Leaves the credential in the request that the inner service sees, marked with
    /// [`HeaderValue::set_sensitive`](http::HeaderValue::set_sensitive). By default all headers of
    /// the [`sources`](Self::sources) are removed from admitted requests.
    #[must_use]
    pub fn keep_credential(self) -> Self {
        self.with(Authenticator::keep_credential)
    }

    /// Sets the number of the host's own proxies in front of the service. The default is 0.
    ///
    /// The client's address on the audit log is then counted from the right of
    /// `X-Forwarded-For`. Too high a number believes what clients write there; see
    /// [`Authenticator::trusted_hops`].
    #[must_use]
    pub fn trusted_hops(self, hops: usize) -> Self {
        self.with(|authenticator| authenticator.trusted_hops(hops))
    }

    /// Sets how the peer's address is found in a request's extensions, instead of
    /// [`PeerAddr`](crate::PeerAddr) and, with feature `axum`, `ConnectInfo<SocketAddr>`. If `find`
    /// returns `None`, the audit log has no address.
    #[must_use]
    pub fn peer_addr<F>(mut self, find: F) -> Self
    where
        F: Fn(&Extensions) -> Option<IpAddr> + Send + Sync + 'static,
    {
        Arc::make_mut(&mut self.guard).peer = PeerSource::Own(Arc::new(find));
        self
    }

    /// Gives denials another body than `application/problem+json`. The status and all other
    /// headers stay.
    ///
    /// ```
    /// use apikeys_tower::{ApiKeys, ApiKeyLayer, Denial, Problem, Rendered};
    ///
    /// let layer = ApiKeyLayer::new(ApiKeys::in_memory())
    ///     .renderer(|_: &Denial, problem: &Problem| Rendered::new("text/plain", problem.title));
    /// ```
    #[must_use]
    pub fn renderer(self, renderer: impl DenialRenderer) -> Self {
        self.with(|authenticator| authenticator.renderer(renderer))
    }

    fn with(mut self, change: impl FnOnce(Authenticator) -> Authenticator) -> Self {
        let guard = Arc::make_mut(&mut self.guard);
        guard.authenticator = change(guard.authenticator.clone());
        self
    }
}

impl<S> Layer<S> for ApiKeyLayer {
    type Service = ApiKeyService<S>;

    fn layer(&self, inner: S) -> ApiKeyService<S> {
        ApiKeyService::new(inner, Arc::clone(&self.guard))
    }
}
