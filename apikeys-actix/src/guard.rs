use actix_web::{
    HttpMessage, HttpResponse,
    dev::ServiceRequest,
    http::header::{HeaderMap, HeaderName, HeaderValue},
};
use apikeys_core::{
    Denial, VerifiedKey,
    http::{Authenticator, Carrier, Check, Headers, ResponseHeaders},
};

use crate::{Caller, peer::PeerSource};

/// Translates between actix and the core's [`Authenticator`].
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    pub(crate) authenticator: Authenticator,
    pub(crate) peer: PeerSource,
}

impl Guard {
    /// Decides what to do with a request. First removes a `Caller` that another middleware put into the request,
    /// because only the result of this middleware counts.
    pub(crate) fn check(&self, request: &ServiceRequest) -> Check {
        request.extensions_mut().remove::<Caller>();
        let peer = self.peer.find(request.request());
        let headers = Lines(request.headers());
        self.authenticator.check(request.method().as_str(), request.path(), &headers, peer)
    }

    /// Removes or marks the headers that can carry a key, and adds the `Caller`.
    pub(crate) fn admit(&self, request: &mut ServiceRequest, key: &VerifiedKey) {
        let headers = request.headers_mut();
        for name in self.authenticator.credential_headers() {
            if !self.authenticator.keeps_credential() {
                headers.remove(name);
            } else if let Some(value) = headers.get_mut(name) {
                // The header has one line, because a request with two lines is denied.
                value.set_sensitive(true);
            }
        }
        request.extensions_mut().insert(Caller::new(key.clone()));
    }

    /// Adds the rate limit headers to the response to an admitted request, and the headers for caches.
    pub(crate) fn add_headers(&self, headers: &mut HeaderMap, key: &VerifiedKey, carrier: &Carrier) {
        let ours = self.authenticator.response_headers(key, carrier, &Lines(headers));
        add(headers, ours);
    }

    /// Adds the headers of the response to a request that has no key and needs none.
    pub(crate) fn add_headers_without_key(&self, headers: &mut HeaderMap) {
        let ours = self.authenticator.response_headers_without_key(&Lines(headers));
        add(headers, ours);
    }

    /// Creates the response to a denied request, with the denial in its extensions.
    pub(crate) fn refuse(&self, denial: Denial) -> HttpResponse {
        let mut response = crate::response(self.authenticator.refusal(&denial));
        response.extensions_mut().insert(denial);
        response
    }
}

fn add(headers: &mut HeaderMap, ours: ResponseHeaders) {
    for (name, value) in ours.replace {
        if let Some((name, value)) = line(name, value) {
            headers.insert(name, value);
        }
    }
    for (name, value) in ours.append {
        if let Some((name, value)) = line(name, value) {
            headers.append(name, value);
        }
    }
}

/// Returns `None` if the header cannot be sent.
fn line(name: &'static str, value: String) -> Option<(HeaderName, HeaderValue)> {
    Some((header_name(name)?, HeaderValue::try_from(value).ok()?))
}

/// Returns a header's name. The names of most headers are constants, which need not be checked for each response.
fn header_name(name: &'static str) -> Option<HeaderName> {
    const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
    const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
    match name {
        "ratelimit-policy" => Some(POLICY),
        "ratelimit" => Some(LIMIT),
        _ => HeaderName::try_from(name).ok(),
    }
}

/// The headers of a request or response, as the core reads them.
struct Lines<'a>(&'a HeaderMap);

impl Headers for Lines<'_> {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.0.get_all(name).map(HeaderValue::as_bytes)
    }
}
