use std::sync::Arc;

use apikeys_core::{
    Denial, VerifiedKey,
    http::{Authenticator, Carrier, Check, Headers, HeadersMut},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header, header::Entry};

use crate::{Caller, peer::PeerSource};

/// Translates between the `http` crate and the core's [`Authenticator`].
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    pub(crate) authenticator: Authenticator,
    pub(crate) peer: PeerSource,
}

impl Guard {
    /// Decides what to do with a request.
    pub(crate) fn check<B>(&self, request: &Request<B>) -> Check {
        let peer = self.peer.find(request.extensions());
        let headers = Lines(request.headers());
        self.authenticator.check(request.method().as_str(), path(request), &headers, peer)
    }

    /// Removes or marks the headers that can carry a key, and adds the `Caller`, in place of one that another layer put into
    /// the request.
    pub(crate) fn admit<B>(&self, request: &mut Request<B>, key: &VerifiedKey) {
        let headers = request.headers_mut();
        for name in self.authenticator.credential_headers() {
            if !self.authenticator.keeps_credential() {
                match name {
                    "authorization" => headers.remove(header::AUTHORIZATION),
                    other => headers.remove(other),
                };
            } else if let Ok(Entry::Occupied(mut lines)) = headers.try_entry(name) {
                lines.iter_mut().for_each(|value| value.set_sensitive(true));
            }
        }
        request.extensions_mut().insert(Caller::new(key.clone()));
    }

    /// Prepares a request without a key. Removes a `Caller` that another layer put into the request, because only the result
    /// of this layer counts.
    pub(crate) fn pass<B>(self: &Arc<Self>, request: &mut Request<B>) {
        request.extensions_mut().remove::<Caller>();
        #[cfg(feature = "axum")]
        crate::extract::NoCredential::mark(request, self);
    }

    /// Adds the rate limit headers to the response to an admitted request, and the headers for caches.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap, key: &VerifiedKey, carrier: &Carrier) {
        self.authenticator.add_headers(key, carrier, &mut LinesMut(headers));
    }

    /// Adds the headers of the response to a request that has no key and needs none.
    pub(crate) fn add_headers_without_key(&self, headers: &mut HeaderMap) {
        self.authenticator.add_headers_without_key(&mut LinesMut(headers));
    }

    /// Creates the response to a denied request, with the denial in its extensions.
    pub(crate) fn refuse(&self, denial: Denial) -> Response<Bytes> {
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

/// Returns the path for the audit log. With axum, this is the whole path, even if a nested router removed a
/// prefix.
fn path<B>(request: &Request<B>) -> &str {
    #[cfg(feature = "axum")]
    if let Some(original) = request.extensions().get::<axum::extract::OriginalUri>() {
        return original.0.path();
    }
    request.uri().path()
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
