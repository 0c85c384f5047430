use std::{fmt, net::IpAddr, sync::Arc};

use super::{Answer, DenialRenderer, Headers, Sources, Wording, credential, request_meta};
use crate::{
    Timestamp,
    denial::Denial,
    engine::{ApiKeys, Verification},
    rate_limit::RateStatus,
};

/// What a host may choose about the requests it lets in. Adapters ask here and translate; they
/// decide nothing, which is why every framework answers alike.
///
/// ```
/// use apikeys_core::{ApiKeys, http::{Check, Rules}};
///
/// let (keys, rules) = (ApiKeys::in_memory(), Rules::new());
/// let headers: &[(&str, &[u8])] = &[];
/// let Check::Refuse(denial) = rules.check(&keys, "GET", "/v1/items", headers, None) else {
///     panic!("a request without a key is refused");
/// };
/// assert_eq!(rules.refusal(&denial, keys.clock().wall()).status, 401);
/// ```
#[derive(Clone, Default)]
pub struct Rules {
    sources: Sources,
    wording: Wording,
    optional: bool,
    keep_credential: bool,
    trusted_hops: usize,
    renderer: Option<Arc<dyn DenialRenderer>>,
}

/// What to do with a request.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "closed for good: an adapter must handle each")]
pub enum Check {
    /// It has one credential, which is to be verified.
    Verify(Verification),
    /// It has none and needs none: let it through, without a caller.
    Pass,
    /// It is refused.
    Refuse(Denial),
}

/// The response to a denied request, down to the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case; `content-type` is among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Rules {
    /// Every request needs a key, sent as `Authorization: Bearer <key>`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A request with no credential passes, without a caller. One that is present is checked as
    /// ever: a wrong key is refused.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Where keys are taken from; [`Sources::bearer`] if not set.
    #[must_use]
    pub fn sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// The wording of answers.
    #[must_use]
    pub fn wording(mut self, wording: Wording) -> Self {
        self.wording = wording;
        self
    }

    /// Leaves the credential in an admitted request, marked as sensitive where the framework
    /// knows such a mark. If not set, every header that [`credential_headers`] names is removed.
    ///
    /// [`credential_headers`]: Self::credential_headers
    #[must_use]
    pub fn keep_credential(mut self) -> Self {
        self.keep_credential = true;
        self
    }

    /// How many proxies of the host's own stand before the service; 0 if not set. See
    /// [`client_address`](super::client_address).
    #[must_use]
    pub fn trusted_hops(mut self, hops: usize) -> Self {
        self.trusted_hops = hops;
        self
    }

    /// Gives denials another body than RFC 9457 problem details.
    #[must_use]
    pub fn renderer(mut self, renderer: impl DenialRenderer) -> Self {
        self.renderer = Some(Arc::new(renderer));
        self
    }

    /// Whether an admitted request keeps its credential.
    #[must_use]
    pub fn keeps_credential(&self) -> bool {
        self.keep_credential
    }

    /// The headers that may carry a key, in lower case.
    pub fn credential_headers(&self) -> impl Iterator<Item = &str> {
        self.sources.header_names()
    }

    /// Says what to do with a request. `path` is kept for the audit log, without its query;
    /// `peer` is who is at the other end of the connection, if known.
    pub fn check(
        &self,
        keys: &ApiKeys,
        method: &str,
        path: &str,
        headers: &(impl Headers + ?Sized),
        peer: Option<IpAddr>,
    ) -> Check {
        match credential(&self.sources, headers) {
            Ok(Some(presented)) => {
                let meta = request_meta(method, path, headers, peer, self.trusted_hops);
                Check::Verify(keys.verify(presented.as_bytes(), meta))
            }
            Ok(None) if self.optional => Check::Pass,
            Ok(None) => Check::Refuse(keys.refuse(Denial::Missing)),
            Err(denial) => Check::Refuse(keys.refuse(denial)),
        }
    }

    /// The response to a denied request. `now` is the wall clock's time, for the legacy headers.
    #[must_use]
    pub fn refusal(&self, denial: &Denial, now: Timestamp) -> Refusal {
        let mut answer = Answer::of(denial, &self.wording, now);
        let body = match &self.renderer {
            None => answer.problem.to_json(),
            Some(renderer) => {
                let rendered = renderer.render(denial, &answer);
                for (_, value) in answer.headers.iter_mut().filter(|(name, _)| *name == "content-type") {
                    *value = rendered.content_type.clone().into_owned();
                }
                rendered.body
            }
        };
        Refusal { status: answer.status, headers: answer.headers, body }
    }

    /// The rate limit headers of an admitted request, names in lower case. They replace what the
    /// handler may have set under these names.
    #[must_use]
    pub fn rate_headers(&self, rate: &RateStatus, now: Timestamp) -> Vec<(&'static str, String)> {
        self.wording.rate_headers(rate, now)
    }
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("sources", &self.sources)
            .field("wording", &self.wording)
            .field("optional", &self.optional)
            .field("keep_credential", &self.keep_credential)
            .field("trusted_hops", &self.trusted_hops)
            .field("own_renderer", &self.renderer.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Rendered;

    type Line<'a> = (&'a str, &'a [u8]);

    fn check(rules: &Rules, headers: &[Line<'_>]) -> Check {
        rules.check(&ApiKeys::in_memory(), "GET", "/", headers, None)
    }

    #[test]
    fn only_a_request_with_no_credential_passes_where_one_is_optional() {
        let optional = Rules::new().optional();
        assert!(matches!(check(&Rules::new(), &[]), Check::Refuse(Denial::Missing)));
        assert!(matches!(check(&optional, &[]), Check::Pass));
        for none in [&b""[..], b"Basic azo=", b"Bearer"] {
            assert!(matches!(check(&optional, &[("authorization", none)]), Check::Pass), "{none:?}");
        }
        let wrong = ("authorization", &b"Bearer wrong"[..]);
        let Check::Verify(verification) = check(&optional, &[wrong]) else { panic!("not verified") };
        assert_eq!(pollster::block_on(verification).unwrap_err(), Denial::Invalid);
        assert!(matches!(check(&optional, &[wrong, wrong]), Check::Refuse(Denial::Ambiguous)));
    }

    #[test]
    fn a_renderer_replaces_the_body_and_its_type_and_nothing_else() {
        let (denial, now) = (Denial::VerificationUnavailable, Timestamp::from_micros(0));
        let plain = Rules::new().refusal(&denial, now);
        let mine = |_: &Denial, answer: &Answer| Rendered::new("text/plain", answer.problem.code);
        let rendered = Rules::new().renderer(mine).refusal(&denial, now);
        assert_eq!(rendered.status, plain.status);
        assert_eq!(rendered.body, b"VERIFICATION_UNAVAILABLE");
        let without_type = |refusal: &Refusal| refusal.headers.iter().skip(1).cloned().collect::<Vec<_>>();
        assert_eq!(without_type(&rendered), without_type(&plain));
        assert_eq!(rendered.headers[0], ("content-type", "text/plain".to_owned()));
    }
}
