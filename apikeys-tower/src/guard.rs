use apikeys_core::{
    Denial, VerifiedKey,
    http::{Authenticator, Carrier, Check, Headers, ResponseHeaders},
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
    /// Decides what to do with a request. First removes a `Caller` that another layer put into the request,
    /// because only the result of this layer counts.
    pub(crate) fn check<B>(&self, request: &mut Request<B>) -> Check {
        request.extensions_mut().remove::<Caller>();
        let peer = self.peer.find(request.extensions());
        let headers = Lines(request.headers());
        self.authenticator.check(request.method().as_str(), path(request), &headers, peer)
    }

    /// Removes or marks the headers that can carry a key, and adds the `Caller`.
    pub(crate) fn admit<B>(&self, request: &mut Request<B>, key: &VerifiedKey) {
        let headers = request.headers_mut();
        for name in self.authenticator.credential_headers() {
            if !self.authenticator.keeps_credential() {
                match constant(name) {
                    Some(name) => headers.remove(name),
                    None => headers.remove(name),
                };
            } else if let Ok(Entry::Occupied(mut lines)) = headers.try_entry(name) {
                lines.iter_mut().for_each(|value| value.set_sensitive(true));
            }
        }
        request.extensions_mut().insert(Caller::new(key.clone()));
    }

    /// Adds the rate limit headers to the response to an admitted request, and the headers for caches.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap, key: &VerifiedKey, carrier: &Carrier) {
        let ours = self.authenticator.response_headers(key, carrier, &Lines(headers));
        add(headers, &ours);
    }

    /// Adds the headers of the response to a request that has no key and needs none.
    pub(crate) fn add_headers_without_key(&self, headers: &mut HeaderMap) {
        let ours = self.authenticator.response_headers_without_key(&Lines(headers));
        add(headers, &ours);
    }

    /// Creates the response to a denied request, with the denial in its extensions.
    pub(crate) fn refuse(&self, denial: Denial) -> Response<Bytes> {
        let mut response = crate::response(self.authenticator.refusal(&denial));
        response.extensions_mut().insert(denial);
        response
    }
}

fn add(headers: &mut HeaderMap, ours: &ResponseHeaders) {
    for (name, value) in ours.replace.iter() {
        if let (Some(name), Ok(value)) = (header_name(name), HeaderValue::from_bytes(value)) {
            headers.insert(name, value);
        }
    }
    for (name, value) in &ours.append {
        if let (Some(name), Ok(value)) = (header_name(name), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
}

/// Returns a header's name, or `None` if it is invalid.
fn header_name(name: &'static str) -> Option<HeaderName> {
    constant(name).or_else(|| HeaderName::try_from(name).ok())
}

/// Returns a name that most requests or responses need as a constant, which is not parsed each time.
fn constant(name: &str) -> Option<HeaderName> {
    const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
    const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
    const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    const TRACE_PARENT: HeaderName = HeaderName::from_static("traceparent");
    match name {
        "authorization" => Some(header::AUTHORIZATION),
        "user-agent" => Some(header::USER_AGENT),
        "x-request-id" => Some(REQUEST_ID),
        "traceparent" => Some(TRACE_PARENT),
        "ratelimit-policy" => Some(POLICY),
        "ratelimit" => Some(LIMIT),
        _ => None,
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

/// The headers of a request or response, as the core reads them.
struct Lines<'a>(&'a HeaderMap);

impl Headers for Lines<'_> {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        let lines = match constant(name) {
            Some(name) => self.0.get_all(name),
            None => self.0.get_all(name),
        };
        lines.iter().map(HeaderValue::as_bytes)
    }
}
