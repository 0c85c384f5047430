use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    admission::Admission, api_keys::ApiKeys, inner::Inner, lifecycle::UnderWay, live_keys::LiveKey, observe,
    timeout::within, verified_key::VerifiedKey,
};
use crate::{
    Timestamp,
    access::admit,
    audit::RequestMeta,
    clock::Monotonic,
    denial::Denial,
    limiter::{Acquire, Subject, Take, Verdict},
    plan::Plan,
    rate_limit::RateLimit,
    store::{Found, StoreError},
    token::Locator,
};

impl ApiKeys {
    /// Verifies what a caller sent as its key, for the request that `request` describes.
    ///
    /// In this order: shape and checksum (without asking anybody), the store, the key's own
    /// state, the plan, room on the audit log, the rate limit. Whatever is decided after the key
    /// was recognised is recorded. Poll the future once before boxing it: it may be ready.
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

    /// Like [`verify`](Self::verify), but describes the request only if the shape and checksum of
    /// `presented` are right. Requests that carry no key then cost no copies of their path and
    /// headers.
    pub fn verify_with(&self, presented: &[u8], request: impl FnOnce() -> RequestMeta) -> Verification {
        let inner = &self.inner;
        let Some(under_way) = inner.lifecycle.enter() else {
            return Verification::ready(inner.refuse(Denial::VerificationUnavailable));
        };
        let Ok(secret) = inner.format.check(presented) else {
            return Verification::ready(inner.refuse(Denial::Invalid));
        };
        let attempt = Attempt {
            inner: Arc::clone(inner),
            candidates: inner.peppers.candidates(secret),
            at: inner.clock.wall(),
            began: inner.clock.monotonic(),
            request: request(),
            under_way,
        };
        Verification(State::Pending(Box::pin(attempt.run())))
    }

    /// Notes that a request was refused before there was a credential to verify.
    pub(crate) fn refuse(&self, denial: Denial) -> Denial {
        self.inner.refuse(denial)
    }
}

/// The verification of one request; resolves to its admission, or to why it is refused.
#[must_use = "nothing is verified unless polled"]
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

/// A request whose secret is well-formed. It holds the secret's digests, not the secret.
struct Attempt {
    inner: Arc<Inner>,
    candidates: Vec<Locator>,
    request: RequestMeta,
    at: Timestamp,
    began: Monotonic,
    under_way: UnderWay,
}

impl Attempt {
    async fn run(mut self) -> Verified {
        let found = match self.look_up().await {
            Ok(Some(found)) => found,
            Ok(None) => return Err(self.inner.refuse(self.unknown().await)),
            Err(error) => {
                observe::store_failed(&error);
                return Err(self.inner.refuse(Denial::VerificationUnavailable));
            }
        };
        let Some(plan) = self.inner.plans.get(&found.plan).cloned() else {
            observe::unknown_plan(&found.plan);
            return Err(self.inner.refuse(Denial::VerificationUnavailable));
        };
        let process_ids = &self.inner.request_ids;
        self.request.ensure_id(|| process_ids.next());
        let live = self.inner.live.entry(found.key.id, &found.key.org);
        match self.decide(&found, &plan, &live).await {
            Ok(rate) => {
                observe::admitted();
                let Found { key, plan, .. } = found;
                let key = VerifiedKey { org: key.org, id: key.id, name: key.name, plan, rate };
                let Self { inner, request, at, began, under_way, .. } = self;
                Ok(Admission { inner, live, key, meta: Some(request), at, began, under_way })
            }
            Err(denial) => Err(self.record_denial(&live, denial)),
        }
    }

    /// The key of the secret. A store that answers with another secret's row is not believed.
    async fn look_up(&self) -> Result<Option<Found>, StoreError> {
        let inner = &self.inner;
        let found = within(&*inner.clock, inner.options.store_timeout, "find", async {
            let _turn = inner.lookups.acquire().await;
            inner.store.find(&self.candidates).await
        })
        .await?;
        let now = inner.clock.wall();
        Ok(found.filter(|found| {
            let secret = &found.secret;
            let ours = self.candidates.iter().any(|candidate| candidate.matches(&secret.locator));
            ours && secret.key == found.key.id && secret.ends_at.is_none_or(|end| now < end)
        }))
    }

    /// What to say of a secret that was not found: invalid, if it could have been found at all.
    async fn unknown(&self) -> Denial {
        let inner = &self.inner;
        let schemes =
            within(&*inner.clock, inner.options.store_timeout, "schemes", inner.store.schemes()).await;
        match schemes {
            Ok(schemes) => match schemes.iter().find(|scheme| !inner.peppers.covers(scheme)) {
                None => Denial::Invalid,
                Some(missing) => {
                    observe::missing_pepper(&missing.to_string());
                    Denial::VerificationUnavailable
                }
            },
            Err(error) => {
                observe::store_failed(&error);
                Denial::VerificationUnavailable
            }
        }
    }

    /// State and plan, then room on the audit log, then the rate limit: what is refused by one
    /// consumes nothing of the next.
    async fn decide(&self, found: &Found, plan: &Plan, live: &LiveKey) -> Result<crate::RateStatus, Denial> {
        let inner = &self.inner;
        admit(&found.key, plan, inner.clock.wall())?;
        if inner.recorder.is_full() && !inner.make_room().await {
            return Err(Denial::AuditUnavailable { after_handler: false });
        }
        let limit: RateLimit = plan.effective_rate_limit(found.key.rate_limit);
        let takes = [Take::one(Subject::Key(live.key), limit, &live.window)];
        let verdict = match inner.limiter.acquire(&takes) {
            Acquire::Now(verdict) => verdict,
            Acquire::Later(verdict) => verdict.await,
        };
        match verdict {
            Verdict::Admitted(rate) => Ok(rate),
            Verdict::Limited(limited) => Err(Denial::RateLimited(limited)),
            Verdict::Unavailable => Err(Denial::VerificationUnavailable),
        }
    }

    fn record_denial(self, live: &Arc<LiveKey>, denial: Denial) -> Denial {
        let latency = self.inner.clock.monotonic().saturating_since(self.began);
        let noted = (self.request, latency, denial.status());
        observe::denied(&denial, Some(live.key));
        self.inner.recorder.push_denial(live, self.at, denial.code(), noted);
        denial
    }
}

impl Inner {
    /// A denial of a request whose key was not recognised: logs and metrics only.
    fn refuse(&self, denial: Denial) -> Denial {
        observe::denied(&denial, None);
        denial
    }
}
