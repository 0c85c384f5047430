use std::sync::Arc;

use actix_web::{
    HttpMessage, HttpResponse,
    body::EitherBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
};
use apikeys_core::{
    Denial, VerifiedKey,
    http::{Authenticator, Carrier, Check, Headers, HeadersMut},
};

use crate::{Caller, extract::NoCredential, peer::PeerSource};

/// Translates between actix and the core's [`Authenticator`].
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    pub(crate) authenticator: Authenticator,
    pub(crate) peer: PeerSource,
}

impl Guard {
    /// Decides what to do with a request.
    pub(crate) fn check(&self, request: &ServiceRequest) -> Check {
        let peer = self.peer.find(request.request());
        let headers = Lines(request.headers());
        self.authenticator.check(request.method().as_str(), request.path(), &headers, peer)
    }

    /// Removes or marks the headers that can carry a key, and adds the `Caller`, in place of one that other middleware put
    /// into the request.
    pub(crate) fn admit(&self, request: &mut ServiceRequest, key: &VerifiedKey) {
        let headers = request.headers_mut();
        for name in self.authenticator.credential_headers() {
            if !self.authenticator.keeps_credential() {
                match name {
                    "authorization" => headers.remove(header::AUTHORIZATION),
                    other => headers.remove(other),
                };
            } else if let Some(value) = headers.get_mut(name) {
                // The header has one line, because a request with two lines is denied.
                value.set_sensitive(true);
            }
        }
        request.extensions_mut().insert(Caller::new(key.clone()));
    }

    /// Prepares a request without a key. Removes a `Caller` that other middleware put into the request, because only the
    /// result of this middleware counts.
    pub(crate) fn pass(self: &Arc<Self>, request: &ServiceRequest) {
        request.extensions_mut().remove::<Caller>();
        NoCredential::mark(request, self);
    }

    /// Adds the rate limit headers to the response to an admitted request, and the headers for caches.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap, key: &VerifiedKey, carrier: &Carrier) {
        self.authenticator.add_headers(key, carrier, &mut LinesMut(headers));
    }

    /// Adds the headers of the response to a request that has no key and needs none.
    pub(crate) fn add_headers_without_key(&self, headers: &mut HeaderMap) {
        self.authenticator.add_headers_without_key(&mut LinesMut(headers));
    }

    /// Responds to a denied request. Removes a `Caller` that other middleware put into the request.
    pub(crate) fn respond<B>(
        &self,
        request: ServiceRequest,
        denial: Denial,
    ) -> ServiceResponse<EitherBody<B>> {
        request.extensions_mut().remove::<Caller>();
        request.into_response(self.refuse(denial).map_into_right_body())
    }

    /// Creates the response to a denied request, with the denial in its extensions.
    pub(crate) fn refuse(&self, denial: Denial) -> HttpResponse {
        let mut response = crate::response(self.authenticator.refusal(&denial));
        response.extensions_mut().insert(denial);
        response
    }
}

/// Returns a header's name, or `None` if it is invalid. The names that all responses have are constants, which are not
/// parsed each time.
fn header_name(name: &str) -> Option<HeaderName> {
    const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
    const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
    match name {
        "ratelimit-policy" => Some(POLICY),
        "ratelimit" => Some(LIMIT),
        _ => HeaderName::try_from(name).ok(),
    }
}

/// The headers of a request, as the core reads them.
struct Lines<'a>(&'a HeaderMap);

impl Headers for Lines<'_> {
    fn lines(&self) -> impl Iterator<Item = (&str, &[u8])> {
        lines(self.0)
    }
}

/// The headers of a response, to which the core adds its own.
struct LinesMut<'a>(&'a mut HeaderMap);

impl Headers for LinesMut<'_> {
    fn lines(&self) -> impl Iterator<Item = (&str, &[u8])> {
        lines(self.0)
    }
}

impl HeadersMut for LinesMut<'_> {
    fn set(&mut self, name: &'static str, value: &[u8]) {
        if let (Some(name), Ok(value)) = (header_name(name), HeaderValue::from_bytes(value)) {
            self.0.insert(name, value);
        }
    }

    fn add(&mut self, name: &'static str, value: &[u8]) {
        if let (Some(name), Ok(value)) = (header_name(name), HeaderValue::from_bytes(value)) {
            self.0.append(name, value);
        }
    }
}

fn lines(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}
