use actix_web::{
    HttpMessage, HttpResponse,
    dev::ServiceRequest,
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
};
use apikeys_core::{
    ApiKeys, Denial, VerifiedKey,
    http::{Check, Headers, Refusal, Rules},
};

use crate::{Caller, peer::PeerSource};

/// Translates between actix and the rules of the core.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    pub(crate) keys: ApiKeys,
    pub(crate) rules: Rules,
    pub(crate) peer: PeerSource,
}

impl Guard {
    /// Says what to do with a request. It leaves without a caller, whatever it came with: only
    /// this middleware's own verdict counts.
    pub(crate) fn check(&self, request: &ServiceRequest) -> Check {
        request.extensions_mut().remove::<Caller>();
        let peer = self.peer.find(request.request());
        let headers = Lines(request.headers());
        self.rules.check(&self.keys, request.method().as_str(), request.path(), &headers, peer)
    }

    /// Makes an admitted request ready for the inner service.
    pub(crate) fn admit(&self, request: &mut ServiceRequest, key: &VerifiedKey) {
        let headers = request.headers_mut();
        for name in self.rules.credential_headers() {
            if !self.rules.keeps_credential() {
                headers.remove(name);
            } else if let Some(value) = headers.get_mut(name) {
                // The only line: more than one would not have been admitted.
                value.set_sensitive(true);
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
    pub(crate) fn refuse(&self, denial: Denial) -> HttpResponse {
        let Refusal { status, headers, body, .. } = self.rules.refusal(&denial, self.keys.clock().wall());
        // Never a success, whatever becomes of the table of answers.
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::new(status).set_body(body).map_into_boxed_body();
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

/// A request's headers, as the core reads them.
struct Lines<'a>(&'a HeaderMap);

impl Headers for Lines<'_> {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.0.get_all(name).map(HeaderValue::as_bytes)
    }
}
