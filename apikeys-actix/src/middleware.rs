use std::{
    future::{Ready, ready},
    net::IpAddr,
    sync::Arc,
};

use actix_web::{
    Error, HttpRequest,
    body::EitherBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
};
use apikeys_core::{
    ApiKeys,
    http::{DenialRenderer, Rules, Sources, Wording},
};

use crate::{ApiKeyService, guard::Guard, peer::PeerSource};

/// Lets requests with a valid key through to a service, and answers the others itself.
///
/// Cheap to clone: make one, and let the closure of `HttpServer::new` clone it for each worker.
/// See the [crate's page](crate) for the rules and an example.
#[derive(Debug, Clone)]
pub struct ApiKeyMiddleware {
    guard: Arc<Guard>,
}

impl ApiKeyMiddleware {
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
    /// use apikeys_actix::{ApiKeyMiddleware, apikeys_core::{ApiKeys, http::Sources}};
    ///
    /// let middleware = ApiKeyMiddleware::new(ApiKeys::in_memory())
    ///     .sources(Sources::bearer().header("x-api-key")?);
    /// # Ok::<(), apikeys_actix::apikeys_core::http::InvalidHeaderName>(())
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
    /// [`HeaderValue::set_sensitive`](actix_web::http::header::HeaderValue::set_sensitive). If not
    /// set, all headers of the [`sources`](Self::sources) are removed from admitted requests.
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

    /// How to find the peer's address, in place of [`HttpRequest::peer_addr`]. `None`: the address
    /// is not known, and the audit log has none.
    #[must_use]
    pub fn peer_addr<F>(mut self, find: F) -> Self
    where
        F: Fn(&HttpRequest) -> Option<IpAddr> + Send + Sync + 'static,
    {
        Arc::make_mut(&mut self.guard).peer = PeerSource::Own(Arc::new(find));
        self
    }

    /// Gives denials another body than `application/problem+json`. Status and all other headers
    /// stay.
    ///
    /// ```
    /// use apikeys_actix::{ApiKeyMiddleware, apikeys_core::{ApiKeys, Denial, http::{Answer, Rendered}}};
    ///
    /// let middleware = ApiKeyMiddleware::new(ApiKeys::in_memory())
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

impl<S, B> Transform<S, ServiceRequest> for ApiKeyMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = ApiKeyService<S>;
    type InitError = ();
    type Future = Ready<Result<ApiKeyService<S>, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(ApiKeyService::new(inner, Arc::clone(&self.guard))))
    }
}
