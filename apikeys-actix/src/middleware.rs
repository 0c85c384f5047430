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

/// Middleware that passes requests with a valid key on to a service, and denies other requests.
///
/// This type is cheap to clone. Create one `ApiKeyMiddleware`, and let the closure of
/// `HttpServer::new` clone it for each worker. The [crate's page](crate) explains the rules and has an example.
#[derive(Debug, Clone)]
pub struct ApiKeyMiddleware {
    guard: Arc<Guard>,
}

impl ApiKeyMiddleware {
    /// Creates middleware that requires a key in every request and verifies the key with `keys`. Clients send
    /// `Authorization: Bearer <key>`.
    #[must_use]
    pub fn new(keys: ApiKeys) -> Self {
        let guard = Guard { authenticator: Authenticator::new(keys), peer: PeerSource::default() };
        Self { guard: Arc::new(guard) }
    }

    /// Passes requests without a key on to the service as well. Such requests have no
    /// [`Caller`](crate::Caller). A request with an invalid key is still denied.
    #[must_use]
    pub fn optional(self) -> Self {
        self.with(Authenticator::optional)
    }

    /// Sets the headers from which keys are read. The default is [`Sources::bearer`].
    ///
    /// ```
    /// use apikeys_actix::{ApiKeys, ApiKeyMiddleware, Sources};
    ///
    /// let middleware =
    ///     ApiKeyMiddleware::new(ApiKeys::in_memory()).sources(Sources::bearer().header("x-api-key")?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// If a header other than `Authorization` carried the key, the response also has a `Vary` header with the
    /// name of that header. Such a response also has `Cache-Control: private`, unless the handler
    /// set `Cache-Control`.
    #[must_use]
    pub fn sources(self, sources: Sources) -> Self {
        self.with(|authenticator| authenticator.sources(sources))
    }

    /// Sets the texts of denials, and whether responses have the legacy `X-RateLimit-*` headers.
    #[must_use]
    pub fn wording(self, wording: Wording) -> Self {
        self.with(|authenticator| authenticator.wording(wording))
    }

    /// Leaves the headers that may carry a key in the requests that are passed on. The values of these headers are
    /// marked with [`HeaderValue::set_sensitive`](actix_web::http::header::HeaderValue::set_sensitive).
    ///
    /// By default, these headers are removed from admitted requests.
    #[must_use]
    pub fn keep_credential(self) -> Self {
        self.with(Authenticator::keep_credential)
    }

    /// Sets the number of your own proxies in front of the service. The default is 0.
    ///
    /// With a number above 0, the client's address in the audit log is the entry of `X-Forwarded-For` at this
    /// position from the right. If the number is higher than the number of proxies, clients can choose the address that is
    /// recorded. See [`Authenticator::trusted_hops`].
    #[must_use]
    pub fn trusted_hops(self, hops: usize) -> Self {
        self.with(|authenticator| authenticator.trusted_hops(hops))
    }

    /// Sets the function that returns the address at the other end of the connection. If the function returns
    /// `None`, the audit log records no address.
    ///
    /// By default, the middleware reads [`HttpRequest::peer_addr`].
    #[must_use]
    pub fn peer_addr<F>(mut self, find: F) -> Self
    where
        F: Fn(&HttpRequest) -> Option<IpAddr> + Send + Sync + 'static,
    {
        Arc::make_mut(&mut self.guard).peer = PeerSource::Own(Arc::new(find));
        self
    }

    /// Sets the renderer that creates the bodies of denials, in place of `application/problem+json`. The status
    /// and the other headers stay the same.
    ///
    /// ```
    /// use apikeys_actix::{ApiKeys, ApiKeyMiddleware, Denial, Problem, RenderedBody};
    ///
    /// let middleware = ApiKeyMiddleware::new(ApiKeys::in_memory())
    ///     .renderer(|_: &Denial, problem: &Problem| RenderedBody::new("text/plain", problem.title));
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
