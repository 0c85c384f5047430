use apikeys_core::{
    ApiKeys, Denial, VerifiedKey,
    http::{Check, Headers, Refusal, Rules},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header::Entry};

use crate::{Caller, peer::PeerSource};

/// Translates between the `http` crate and the rules of the core.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    pub(crate) keys: ApiKeys,
    pub(crate) rules: Rules,
    pub(crate) peer: PeerSource,
}

impl Guard {
    /// Says what to do with a request. It leaves without a caller, whatever it came with: only
    /// this layer's own verdict counts.
    pub(crate) fn check<B>(&self, request: &mut Request<B>) -> Check {
        request.extensions_mut().remove::<Caller>();
        let peer = self.peer.find(request.extensions());
        let headers = Lines(request.headers());
        self.rules.check(&self.keys, request.method().as_str(), path(request), &headers, peer)
    }

    /// Makes an admitted request ready for the inner service.
    pub(crate) fn admit<B>(&self, request: &mut Request<B>, key: &VerifiedKey) {
        let headers = request.headers_mut();
        for name in self.rules.credential_headers() {
            if !self.rules.keeps_credential() {
                headers.remove(name);
            } else if let Ok(Entry::Occupied(mut lines)) = headers.try_entry(name) {
                lines.iter_mut().for_each(|value| value.set_sensitive(true));
            }
        }
        request.extensions_mut().insert(Caller::new(key.clone()));
    }

    /// Says in an admitted request's response where the key stands. Ours replace what the inner
    /// service set under the same names: two truths would be none.
    pub(crate) fn add_rate_headers(&self, headers: &mut HeaderMap, key: &VerifiedKey) {
        for (name, value) in self.rules.rate_headers(&key.rate(), self.keys.clock().wall()) {
            put(headers, name, &value);
        }
    }

    /// The response to a denied request, with the denial in its extensions.
    pub(crate) fn refuse(&self, denial: Denial) -> Response<Bytes> {
        let Refusal { status, headers, body, .. } = self.rules.refusal(&denial, self.keys.clock().wall());
        let mut response = Response::new(Bytes::from(body));
        // Never a success, whatever becomes of the table of answers.
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in headers {
            put(response.headers_mut(), name, &value);
        }
        response.extensions_mut().insert(denial);
        response
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}

/// The path for the audit log: as the client sent it, where a router has cut off a prefix.
fn path<B>(request: &Request<B>) -> &str {
    #[cfg(feature = "axum")]
    if let Some(original) = request.extensions().get::<axum::extract::OriginalUri>() {
        return original.0.path();
    }
    request.uri().path()
}

/// A request's headers, as the core reads them.
struct Lines<'a>(&'a HeaderMap);

impl Headers for Lines<'_> {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.0.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}
