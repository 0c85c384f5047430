use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    admission::Admission,
    api_keys::ApiKeys,
    inner::Inner,
    lifecycle::{UnderWay, Work},
    live_keys::LiveKey,
    request_start::RequestStart,
    timeout::within,
    verified_key::VerifiedKey,
};
use crate::{
    access::admit,
    audit::RequestMeta,
    denial::Denial,
    limiter::{Acquisition, Charge, Subject, Verdict},
    plan::Plan,
    rate_limit::RateStatus,
    store::{FoundKey, StoreError},
    token::{Locator, Scheme},
};

impl ApiKeys {
    /// Verifies `presented`, the text that a client sent as its secret. `request` describes the request for the
    /// audit log.
    ///
    /// The checks are made in this order: the secret's shape and checksum, which need no read from the store;
    /// the look-up of the key in the store; the key's state; the plan's API access; room for the audit event
    /// in the buffer; the rate limit. If the key is stored and its organization's plan is in the catalogue,
    /// the request is recorded, whether it is admitted or denied. If the shape or the checksum is wrong, the
    /// future is ready at its first poll.
    ///
    /// ```
    /// use apikeys_core::{Actor, ApiKeys, Denial, NewKey, OrgId, PlanName, RequestMeta};
    ///
    /// # pollster::block_on(async {
    /// let keys = ApiKeys::in_memory();
    /// let (org, admin) = (OrgId::new("org_1")?, Actor::new("ann")?);
    /// keys.operator(Actor::new("billing")?).set_plan(&org, PlanName::new("starter")?).await?;
    /// let created = keys.manage(&org, &admin).create(NewKey::new("CI")?).await?;
    ///
    /// let request = RequestMeta::new("GET", "/v1/items");
    /// let admission = keys.verify(created.secret.expose().as_bytes(), request.clone()).await.unwrap();
    /// assert_eq!(admission.key().key_name().as_str(), "CI");
    /// admission.finish(200).await.unwrap();
    ///
    /// assert_eq!(keys.verify(b"key_guess", request).await.unwrap_err(), Denial::Invalid);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    pub fn verify(&self, presented: &[u8], request: RequestMeta) -> Verification {
        self.verify_with(presented, || request)
    }

    /// Verifies like [`verify`](Self::verify), but calls `request` only if the shape and checksum of
    /// `presented` are right. For a request without a well-formed key, the path and headers are therefore not
    /// copied.
    pub fn verify_with(&self, presented: &[u8], request: impl FnOnce() -> RequestMeta) -> Verification {
        let inner = &self.inner;
        let Some(under_way) = inner.lifecycle.enter(Work::Request) else {
            return Verification::ready(inner.refuse(Denial::VerificationUnavailable));
        };
        let Ok(secret) = inner.format.check(presented) else {
            return Verification::ready(inner.refuse(Denial::Invalid));
        };
        let attempt = Attempt {
            inner: Arc::clone(inner),
            candidates: inner.peppers.candidates(secret),
            start: inner.recorder.start(),
            request: request(),
            under_way,
        };
        Verification(State::Pending(Box::pin(attempt.run())))
    }

    /// Counts a request that was denied before a secret could be verified.
    pub(crate) fn refuse(&self, denial: Denial) -> Denial {
        self.inner.refuse(denial)
    }
}

/// The verification of one request. The future resolves to an [`Admission`], or to a [`Denial`] with the
/// reason.
///
/// If the future is dropped before the request is admitted or denied, for example because the client has left,
/// the request is not recorded.
#[must_use = "futures do nothing unless polled"]
pub struct Verification(State);

type Verified = Result<Admission, Denial>;

enum State {
    Ready(Option<Box<Verified>>),
    Pending(Pin<Box<dyn Future<Output = Verified> + Send>>),
}

impl Verification {
    fn ready(denial: Denial) -> Self {
        Self(State::Ready(Some(Box::new(Err(denial)))))
    }
}

impl Future for Verification {
    type Output = Result<Admission, Denial>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Ready(verified) => match verified.take() {
                Some(verified) => Poll::Ready(*verified),
                None => Poll::Pending,
            },
            State::Pending(pending) => pending.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification").field("ready", &matches!(self.0, State::Ready(_))).finish()
    }
}

/// A request whose secret is well-formed. The attempt holds digests of the secret and not the secret.
struct Attempt {
    inner: Arc<Inner>,
    candidates: Vec<Locator>,
    request: RequestMeta,
    start: RequestStart,
    under_way: UnderWay,
}

/// The store's answer about a secret.
#[expect(clippy::large_enum_variant, reason = "a box would cost each verification an allocation")]
enum Lookup {
    Found(FoundKey),
    /// The secret is not stored. The value is the list of the schemes of all stored secrets.
    Unknown(Vec<Scheme>),
}

impl Attempt {
    async fn run(mut self) -> Verified {
        let inner = &self.inner;
        let found = match self.look_up().await {
            Ok(Lookup::Found(found)) => found,
            Ok(Lookup::Unknown(schemes)) => return Err(inner.refuse(inner.unknown(&schemes))),
            Err(error) => {
                inner.observer.store_failed(&error);
                return Err(inner.refuse(Denial::VerificationUnavailable));
            }
        };
        let Some(plan) = inner.plans.get(&found.plan).cloned() else {
            inner.observer.unknown_plan(&found.plan);
            return Err(inner.refuse(Denial::VerificationUnavailable));
        };
        let live = inner.live.entry(found.key.id, &found.key.org);
        let decision = self.decide(&found, &plan, &live).await;
        self.request.ensure_id(|| *self.start.id.as_bytes());
        match decision {
            Ok(rate) => {
                self.inner.observer.admitted();
                let FoundKey { key, plan, .. } = found;
                let key = VerifiedKey { org: key.org, id: key.id, name: key.name, plan, rate };
                let Self { inner, request, start, under_way, .. } = self;
                Ok(Admission { inner, live, key, meta: Some(request), start, under_way })
            }
            Err(denial) => Err(self.record_denial(&live, denial).await),
        }
    }

    /// Reads the key of the secret. If there is no such key, reads the schemes of the stored secrets. Both
    /// reads share one of the concurrent lookups and one timeout.
    async fn look_up(&self) -> Result<Lookup, StoreError> {
        let inner = &self.inner;
        within(&*inner.clock, inner.options.store_timeout, "find", async {
            let _turn = inner.lookups.acquire().await;
            match inner.store.find(&self.candidates).await?.filter(|found| self.is_ours(found)) {
                Some(found) => Ok(Lookup::Found(found)),
                None => Ok(Lookup::Unknown(inner.store.schemes().await?)),
            }
        })
        .await
    }

    /// Returns whether the store's row is that of the presented secret, and the row's `ends_at` has not
    /// passed. The locators are compared here because the engine does not rely on the store's comparison.
    fn is_ours(&self, found: &FoundKey) -> bool {
        let secret = &found.secret;
        let now = self.inner.clock.wall();
        self.candidates.iter().any(|candidate| candidate.matches(&secret.locator))
            && secret.key == found.key.id
            && secret.ends_at.is_none_or(|end| now < end)
    }

    /// Checks the key's state and the plan, then the room for the audit event, then the rate limit. A request
    /// that fails one check does not reach the next, so that a denied request does not count against the rate
    /// limit.
    async fn decide(&self, found: &FoundKey, plan: &Plan, live: &LiveKey) -> Result<RateStatus, Denial> {
        let inner = &self.inner;
        admit(&found.key, plan, inner.clock.wall())?;
        if inner.recorder.is_full() && !inner.make_room().await {
            return Err(Denial::AuditUnavailable { after_handler: false });
        }
        let limit = plan.effective_rate_limit(found.key.rate_limit);
        let charges = [Charge::one(Subject::Key(live.key), limit, &live.window)];
        let verdict = match inner.limiter.acquire(&*inner.clock, &charges) {
            Acquisition::Now(verdict) => verdict,
            Acquisition::Later(verdict) => verdict.await,
        };
        match verdict {
            Verdict::Admitted(rate) => Ok(rate),
            Verdict::Limited(limited) => Err(Denial::RateLimited(limited)),
            Verdict::Unavailable => Err(Denial::VerificationUnavailable),
        }
    }

    /// Records a denied request whose key was recognized. While the maintenance is not running, the event is
    /// written before the denial is returned.
    async fn record_denial(self, live: &Arc<LiveKey>, denial: Denial) -> Denial {
        let inner = &self.inner;
        let latency = inner.clock.monotonic().saturating_since(self.start.monotonic);
        inner.observer.denied(&denial, Some(live.key));
        let described = (self.request, latency, denial.status());
        inner.recorder.push_denial(live, self.start, denial.code(), described);
        if !inner.is_maintained() {
            // The recorder reports a failure, and keeps the event for the next flush.
            let _ = inner.recorder.flush().await;
        }
        denial
    }
}

impl Inner {
    /// Counts a denied request whose key was not recognized. Such a request is not recorded in the audit log.
    fn refuse(&self, denial: Denial) -> Denial {
        self.observer.denied(&denial, None);
        denial
    }

    /// Returns the denial of a secret that is not stored. The denial is `Invalid`, unless secrets are stored
    /// that this process cannot recognize.
    fn unknown(&self, schemes: &[Scheme]) -> Denial {
        match schemes.iter().find(|scheme| !self.peppers.covers(scheme)) {
            None => Denial::Invalid,
            Some(scheme) => {
                self.observer.missing_pepper(scheme);
                Denial::VerificationUnavailable
            }
        }
    }
}
