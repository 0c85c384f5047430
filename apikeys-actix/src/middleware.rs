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
    http::{Authenticator, DenialRenderer, Sources, Wording},
};

use crate::{ApiKeyService, guard::Guard, peer::PeerSource};

/// Lets requests with a valid key through to a service, and answers all others itself.
///
/// Cheap to clone: make one, and let the closure of `HttpServer::new` clone it for each worker.
/// The [crate's page](crate) has the rules and an example.
#[derive(Debug, Clone)]
pub struct ApiKeyMiddleware {
    guard: Arc<Guard>,
}

impl ApiKeyMiddleware {
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
    /// use apikeys_actix::{ApiKeys, ApiKeyMiddleware, Sources};
    ///
    /// let middleware =
    ///     ApiKeyMiddleware::new(ApiKeys::in_memory()).sources(Sources::bearer().header("x-api-key")?);
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
    /// [`HeaderValue::set_sensitive`](actix_web::http::header::HeaderValue::set_sensitive). By
    /// default all headers of the [`sources`](Self::sources) are removed from admitted requests.
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

    /// Sets how the peer's address is found, instead of [`HttpRequest::peer_addr`]. If `find`
    /// returns `None`, the audit log has no address.
    #[must_use]
    pub fn peer_addr<F>(mut self, find: F) -> Self
    where
        F: Fn(&HttpRequest) -> Option<IpAddr> + Send + Sync + 'static,
    {
        Arc::make_mut(&mut self.guard).peer = PeerSource::Own(Arc::new(find));
        self
    }

    /// Gives denials another body than `application/problem+json`. The status and all other
    /// headers stay.
    ///
    /// ```
    /// use apikeys_actix::{ApiKeys, ApiKeyMiddleware, Denial, Problem, Rendered};
    ///
    /// let middleware = ApiKeyMiddleware::new(ApiKeys::in_memory())
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
