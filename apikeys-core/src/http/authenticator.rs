use std::{fmt, net::IpAddr, sync::Arc};

use super::{
    Carrier, DenialRenderer, Headers, HeadersMut, PlainResponse, Sources, Wording, client::request_meta,
    credential, denied::Denied, rate::rate_headers,
};
use crate::{
    denial::Denial,
    engine::{Admission, ApiKeys, Verification, VerifiedKey},
};

/// Decides which requests are admitted, and creates the responses to the others.
///
/// An adapter calls its `Authenticator` and converts types. The adapter makes no decisions, so the responses
/// are the same with all frameworks.
///
/// ```
/// use apikeys_core::{ApiKeys, http::{Authenticator, Check}};
///
/// let authenticator = Authenticator::new(ApiKeys::in_memory());
/// let headers: &[(&str, &[u8])] = &[];
/// let Check::Refuse(denial) = authenticator.check("GET", "/v1/items", headers, None) else {
///     panic!("a request without a key is refused");
/// };
/// assert_eq!(authenticator.refusal(&denial).status, 401);
/// ```
#[derive(Clone)]
pub struct Authenticator {
    keys: ApiKeys,
    sources: Sources,
    wording: Wording,
    optional: bool,
    keep_credential: bool,
    trusted_hops: usize,
    renderer: Option<Arc<dyn DenialRenderer>>,
}

/// The decision about a request, on which the adapter acts.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "closed for good: an adapter must handle each")]
pub enum Check {
    /// The request is admitted. The adapter runs the handler with the admission's key.
    Admit {
        /// The admission of the request.
        admission: Admission,
        /// The header that carried the credential.
        carrier: Carrier,
    },
    /// The request has one credential, and the decision must wait. The adapter waits for the verification.
    Verify {
        /// Resolves to the admission of the request, or to a denial.
        verification: Verification,
        /// The header that carried the credential.
        carrier: Carrier,
    },
    /// The request has no credential and needs none. The adapter runs the handler without a verified key.
    Pass,
    /// The request is refused.
    Refuse(Denial),
}

impl Authenticator {
    /// Creates an authenticator that requires a key for every request, sent as `Authorization: Bearer <key>`,
    /// and verifies the key with `keys`.
    #[must_use]
    pub fn new(keys: ApiKeys) -> Self {
        Self {
            keys,
            sources: Sources::default(),
            wording: Wording::default(),
            optional: false,
            keep_credential: false,
            trusted_hops: 0,
            renderer: None,
        }
    }

    /// Accepts requests that have no credential. Handlers see such a request without a verified key. If a
    /// request has a credential, the credential is still checked, so a request with a wrong key is denied.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Sets where keys are taken from. The default is [`Sources::bearer`].
    #[must_use]
    pub fn sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// Sets the wording of responses.
    #[must_use]
    pub fn wording(mut self, wording: Wording) -> Self {
        self.wording = wording;
        self
    }

    /// Leaves the credential in admitted requests, marked as sensitive if the framework supports the mark. By
    /// default, all headers of the [`sources`](Self::sources) are removed.
    #[must_use]
    pub fn keep_credential(mut self) -> Self {
        self.keep_credential = true;
        self
    }

    /// Sets the number of your own proxies in front of your service. The default is 0.
    ///
    /// With 0, the client's address is the address at the other end of the connection. With a higher number,
    /// the addresses of all `X-Forwarded-For` lines are counted from the right, and the address at position
    /// `hops` is the client's address. Your outermost proxy added this address. The client can choose all
    /// addresses to the left of it, so with a number that is too high the client can choose its own address.
    /// A request with fewer than `hops` addresses did not come through all proxies, and gets the address at
    /// the other end of the connection. The client's address is unknown if the address at the other end of
    /// the connection is unknown, or if the entry at position `hops` is not an address.
    #[must_use]
    pub fn trusted_hops(mut self, hops: usize) -> Self {
        self.trusted_hops = hops;
        self
    }

    /// Sets the renderer of the bodies of denials. The default body is RFC 9457 problem details in JSON.
    #[must_use]
    pub fn renderer(mut self, renderer: impl DenialRenderer) -> Self {
        self.renderer = Some(Arc::new(renderer));
        self
    }

    /// Returns whether admitted requests keep their credential.
    #[must_use]
    pub fn keeps_credential(&self) -> bool {
        self.keep_credential
    }

    /// Returns the names of the headers that may carry a key, in lower case.
    pub fn credential_headers(&self) -> impl Iterator<Item = &str> {
        self.sources.header_names()
    }

    /// Decides what to do with a request. If the key is in the cache and nothing must wait, the request is verified
    /// before this method returns.
    ///
    /// The path and the headers for the audit log are copied only if the request has a well-formed key. The
    /// query of `path` is never copied. `peer` is the address at the other end of the connection, if it is
    /// known.
    pub fn check(
        &self,
        method: &str,
        path: &str,
        headers: &(impl Headers + ?Sized),
        peer: Option<IpAddr>,
    ) -> Check {
        match credential(&self.sources, headers) {
            Ok(Some(presented)) => {
                let meta = || request_meta(method, path, headers, peer, self.trusted_hops);
                let verified = self.keys.verify_now(presented.as_bytes(), meta);
                let carrier = presented.into_carrier();
                match verified {
                    Ok(Ok(admission)) => Check::Admit { admission, carrier },
                    Ok(Err(denial)) => Check::Refuse(denial),
                    Err(verification) => Check::Verify { verification, carrier },
                }
            }
            Ok(None) if self.optional => Check::Pass,
            Ok(None) => Check::Refuse(self.keys.refuse(Denial::Missing)),
            Err(denial) => Check::Refuse(self.keys.refuse(denial)),
        }
    }

    /// Creates the response to a denied request.
    #[must_use]
    pub fn refusal(&self, denial: &Denial) -> PlainResponse {
        let denied = Denied {
            wording: &self.wording,
            plans: self.keys.plans(),
            renderer: self.renderer.as_deref(),
            now: self.keys.clock().wall(),
        };
        denied.response(denial)
    }

    /// Adds the headers of the response to an admitted request. `response` contains the headers that the handler set.
    ///
    /// All responses contain the state of the rate limit, in place of the handler's headers of the same name. Shared caches
    /// do not store the response to a request with `Authorization` by default, but they may store it if another header
    /// carried the key. In that case, `Vary` names that header, and `Cache-Control` is `private` unless the handler set
    /// `Cache-Control`.
    pub fn add_headers(&self, key: &VerifiedKey, carrier: &Carrier, response: &mut impl HeadersMut) {
        let legacy_at = self.wording.legacy_rate_headers.then(|| self.keys.clock().wall());
        rate_headers(&key.rate(), legacy_at, |name, value| response.set(name, value));
        if !carrier.is_authorization() {
            vary(response, carrier.header_name());
            if response.values("cache-control").next().is_none() {
                response.add("cache-control", b"private");
            }
        }
    }

    /// Adds the headers of the response to a request without a key, if keys are [`optional`](Self::optional). `response`
    /// contains the headers that the handler set.
    ///
    /// The response can depend on whether the request has a key. `Vary` therefore names all headers that may
    /// carry a key. A cache then does not return this response if another request has a key. A response with
    /// `Cache-Control: no-store` gets no `Vary`, because caches do not store the response.
    pub fn add_headers_without_key(&self, response: &mut impl HeadersMut) {
        if is_stored(response) {
            self.credential_headers().for_each(|name| vary(response, name));
        }
    }
}

/// Makes a response vary with the request header `name`, unless it does so already.
fn vary(response: &mut impl HeadersMut, name: &str) {
    if !varies(response, name) {
        response.add("vary", name.as_bytes());
    }
}

/// Returns whether a response already varies with the request header `name`.
fn varies(response: &impl Headers, name: &str) -> bool {
    entries(response, "vary").any(|entry| entry == b"*" || entry.eq_ignore_ascii_case(name.as_bytes()))
}

/// Returns whether caches may store a response.
fn is_stored(response: &impl Headers) -> bool {
    !entries(response, "cache-control").any(|entry| entry.eq_ignore_ascii_case(b"no-store"))
}

/// Returns the entries of all lines of a header, without the spaces around them.
fn entries<'a>(response: &'a impl Headers, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    response.values(name).flat_map(|line| line.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("sources", &self.sources)
            .field("wording", &self.wording)
            .field("optional", &self.optional)
            .field("keep_credential", &self.keep_credential)
            .field("trusted_hops", &self.trusted_hops)
            .field("own_renderer", &self.renderer.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{NewKey, PlanName, Secret};

    type Line<'a> = (&'a str, &'a [u8]);

    fn authenticator() -> Authenticator {
        Authenticator::new(ApiKeys::in_memory())
    }

    fn check(authenticator: &Authenticator, headers: &[Line<'_>]) -> Check {
        authenticator.check("GET", "/", headers, None)
    }

    /// The headers of a response.
    struct Response(Vec<(String, Vec<u8>)>);

    impl Response {
        fn new(handler: &[(&str, &str)]) -> Self {
            Self(handler.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect())
        }
    }

    impl Headers for Response {
        fn lines(&self) -> impl Iterator<Item = Line<'_>> {
            self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
        }
    }

    impl HeadersMut for Response {
        fn set(&mut self, name: &'static str, value: &[u8]) {
            self.0.retain(|(other, _)| other != name);
            self.add(name, value);
        }

        fn add(&mut self, name: &'static str, value: &[u8]) {
            self.0.push((name.to_owned(), value.to_vec()));
        }
    }

    fn lines<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<Line<'a>> {
        pairs.iter().map(|(name, value)| (*name, value.as_bytes())).collect()
    }

    async fn created(keys: &ApiKeys) -> Secret {
        let (org, actor) = ("org".parse::<crate::OrgId>().unwrap(), "ann".parse::<crate::Actor>().unwrap());
        let plan = PlanName::new("starter").unwrap();
        keys.operator(&actor).set_plan(&org, &plan).await.unwrap();
        keys.manage(&org, &actor).create(NewKey::new("CI").unwrap()).await.unwrap().secret
    }

    #[test]
    fn optional_key_admits_a_missing_key_and_denies_a_wrong_one() {
        let optional = authenticator().optional();
        assert!(matches!(check(&authenticator(), &[]), Check::Refuse(Denial::Missing)));
        assert!(matches!(check(&optional, &[]), Check::Pass));
        for none in [&b""[..], b"Basic azo=", b"Bearer"] {
            assert!(matches!(check(&optional, &[("authorization", none)]), Check::Pass), "{none:?}");
        }
        let wrong = ("authorization", &b"Bearer wrong"[..]);
        assert!(matches!(check(&optional, &[wrong]), Check::Refuse(Denial::Invalid)));
        assert!(matches!(check(&optional, &[wrong, wrong]), Check::Refuse(Denial::Ambiguous)));
    }

    #[test]
    fn response_without_a_key_varies_with_all_headers_that_may_carry_a_key() {
        type Pairs<'a> = &'a [(&'a str, &'a str)];
        let sources = Sources::bearer().header("X-API-Key").unwrap();
        let authenticator = authenticator().optional().sources(sources);
        let (authorization, x_api_key) = (("vary", "authorization"), ("vary", "x-api-key"));
        let cases: &[(Pairs<'_>, Pairs<'_>)] = &[
            (&[], &[authorization, x_api_key]),
            (&[("vary", "accept, Authorization")], &[x_api_key]),
            (&[("vary", "*")], &[]),
            (&[("cache-control", "private, No-Store")], &[]),
            (&[("cache-control", "private")], &[authorization, x_api_key]),
        ];
        for (handler, added) in cases {
            let mut response = Response::new(handler);
            authenticator.add_headers_without_key(&mut response);
            let expected = [*handler, *added].concat();
            assert_eq!(response.lines().collect::<Vec<_>>(), lines(&expected), "{handler:?}");
        }
    }

    /// Counts how often a header that the audit log keeps is read.
    struct Counting {
        authorization: Vec<u8>,
        reads: Cell<u32>,
    }

    impl Headers for Counting {
        fn lines(&self) -> impl Iterator<Item = (&str, &[u8])> {
            let agent = [("user-agent", &b"curl/8"[..])].into_iter().inspect(|_| {
                self.reads.set(self.reads.get() + 1);
            });
            std::iter::once(("authorization", &*self.authorization)).chain(agent)
        }
    }

    #[test]
    fn request_is_described_only_if_the_checksum_is_right() {
        let authenticator = authenticator();
        let secret = pollster::block_on(created(&authenticator.keys));
        let secret = secret.expose();
        let other = if secret.ends_with('0') { '1' } else { '0' };
        let wrong = format!("{}{other}", &secret[..secret.len() - 1]);
        // The search for the credential passes all headers once.
        for (text, reads) in [(&*wrong, 1), ("wrong", 1), (secret, 2)] {
            let authorization = format!("Bearer {text}").into_bytes();
            let headers = Counting { authorization, reads: Cell::new(0) };
            let _check = authenticator.check("GET", "/", &headers, None);
            assert_eq!(headers.reads.get(), reads);
        }
    }

    #[test]
    fn admission_by_another_header_adds_vary_and_cache_control_unless_the_handler_set_them() {
        type Pairs<'a> = &'a [(&'a str, &'a str)];
        let sources = Sources::bearer().header("X-API-Key").unwrap();
        let authenticator = authenticator().sources(sources);
        let (vary, private) = (("vary", "x-api-key"), ("cache-control", "private"));
        pollster::block_on(async {
            let secret = created(&authenticator.keys).await;
            let sent = secret.expose().as_bytes();
            let bearer = [b"Bearer ", sent].concat();
            let cases: &[(Line<'_>, Pairs<'_>, Pairs<'_>)] = &[
                (("authorization", &bearer), &[], &[]),
                (("x-api-key", sent), &[], &[vary, private]),
                (("x-api-key", sent), &[("vary", "accept")], &[vary, private]),
                (("x-api-key", sent), &[("vary", "accept"), ("vary", "origin, X-Api-Key")], &[private]),
                (("x-api-key", sent), &[("vary", "*")], &[private]),
                (("x-api-key", sent), &[("cache-control", "no-store")], &[vary]),
            ];
            for (line, handler, added) in cases {
                let Check::Verify { verification, carrier } = check(&authenticator, &[*line]) else {
                    panic!("not verified");
                };
                let admission = verification.await.unwrap();
                let mut response = Response::new(&[&[("ratelimit", "other")], *handler].concat());
                authenticator.add_headers(admission.key(), &carrier, &mut response);
                let (rate, others): (Vec<_>, Vec<_>) =
                    response.lines().partition(|(name, _)| name.starts_with("ratelimit"));
                assert_eq!(others, lines(&[*handler, *added].concat()), "{} {handler:?}", line.0);
                let [("ratelimit-policy", policy), ("ratelimit", state)] = rate.as_slice() else {
                    panic!("{rate:?}")
                };
                assert_eq!(*policy, b"\"per-key\";q=60;w=60");
                assert!(state.starts_with(b"\"per-key\";r="), "the handler's header is not replaced");
            }
        });
    }
}
