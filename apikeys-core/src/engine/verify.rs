use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use zeroize::Zeroizing;

use super::{
    admission::Admission,
    api_keys::ApiKeys,
    cache::{Epoch, Moment, Snapshot},
    handle::Running,
    inner::Inner,
    request_start::RequestStart,
    verified_key::VerifiedKey,
};
use crate::{
    audit::RequestMeta,
    denial::Denial,
    limiter::{Acquisition, Verdict},
    rate_limit::RateStatus,
    store::{FoundKey, StoreError},
    token::{Fingerprint, Locator, Scheme},
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
        Verification(match self.begin(presented) {
            Ok(presented) => State::Begun(Some((presented, request()))),
            Err(denial) => State::Refused(Some(denial)),
        })
    }

    /// Verifies like [`verify_with`](Self::verify_with), but decides before it returns, if the key is in the cache and
    /// nothing else must wait.
    ///
    /// # Errors
    ///
    /// Returns the verification if the decision must wait. Nothing has been read or counted then.
    pub fn verify_now(
        &self,
        presented: &[u8],
        request: impl FnOnce() -> RequestMeta,
    ) -> Result<Result<Admission, Denial>, Verification> {
        match self.begin(presented) {
            Ok(presented) => {
                presented.decide_at_once(request).map_err(|waiting| Verification(State::Waiting(waiting)))
            }
            Err(denial) => Ok(Err(denial)),
        }
    }

    /// Checks what can be checked without the key.
    fn begin(&self, presented: &[u8]) -> Result<Presented, Denial> {
        let inner = &*self.inner;
        if inner.lifecycle.is_closing() {
            return Err(inner.refuse(Denial::VerificationUnavailable));
        }
        if !inner.format.is_secret(presented) {
            return Err(inner.refuse(Denial::Invalid));
        }
        let Some(running) = self.handles.begin() else {
            return Err(inner.refuse(Denial::VerificationUnavailable));
        };
        let text = || Zeroizing::new(str::from_utf8(presented).unwrap_or_default().into());
        Ok(Presented {
            running,
            fingerprint: Fingerprint::of_bytes(presented),
            secret: inner.peppers.need_secret().then(text),
        })
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
    Refused(Option<Denial>),
    /// Not polled yet.
    Begun(Option<(Presented, RequestMeta)>),
    /// Waits for the store, for room in the buffer, or for a limiter.
    Waiting(Waiting),
}

type Waiting = Pin<Box<dyn Future<Output = Verified> + Send>>;

impl Future for Verification {
    type Output = Result<Admission, Denial>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let waiting = match &mut self.0 {
                State::Refused(denial) => match denial.take() {
                    Some(denial) => return Poll::Ready(Err(denial)),
                    None => return Poll::Pending,
                },
                State::Begun(begun) => {
                    let Some((presented, request)) = begun.take() else { return Poll::Pending };
                    match presented.decide_at_once(|| request) {
                        Ok(verified) => return Poll::Ready(verified),
                        Err(waiting) => waiting,
                    }
                }
                State::Waiting(waiting) => return waiting.as_mut().poll(cx),
            };
            self.0 = State::Waiting(waiting);
        }
    }
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification").field("waits", &matches!(self.0, State::Waiting(_))).finish()
    }
}

/// A well-formed secret that a request was made with.
struct Presented {
    running: Running,
    fingerprint: Fingerprint,
    /// The secret, if the store may have it under another digest than the fingerprint.
    secret: Option<Zeroizing<Box<str>>>,
}

/// A request whose decision must wait.
struct Attempt {
    presented: Presented,
    start: RequestStart,
    request: RequestMeta,
}

/// The store's answer about a secret.
enum Lookup {
    Found(Arc<Snapshot>),
    /// The secret is not stored. The value is the list of the schemes of all stored secrets.
    Unknown(Vec<Scheme>),
    /// The stored plan of the key's organization is not in the catalogue.
    UnknownPlan,
}

/// A decision that can be made without waiting.
enum AtOnce {
    Decided(Result<RateStatus, Denial>),
    /// The buffer of the audit log is full, or the limiter asks a server.
    MustWait,
}

impl Presented {
    /// Decides without waiting if the secret is in the cache. Otherwise returns the future that decides.
    fn decide_at_once(self, request: impl FnOnce() -> RequestMeta) -> Result<Verified, Waiting> {
        let inner = &*self.running;
        let start = inner.recorder.start();
        let now = Moment { monotonic: start.monotonic, wall: start.at };
        let snapshot =
            inner.cache.get(&self.fingerprint, now).filter(|snapshot| !snapshot.has_ended(now.wall));
        let request = request();
        let Some(snapshot) = snapshot else {
            return Err(Box::pin(Attempt { presented: self, start, request }.read()));
        };
        // Without the maintenance, a denial is written before it is returned.
        let decision =
            if inner.is_maintained() { inner.decide_at_once(&snapshot, now) } else { AtOnce::MustWait };
        match decision {
            AtOnce::Decided(Ok(rate)) => Ok(Ok(admit(self.running, snapshot, rate, (request, start)))),
            AtOnce::Decided(Err(denial)) => Ok(Err(note_denial(inner, &snapshot, denial, start, request))),
            AtOnce::MustWait => Err(Box::pin(Attempt { presented: self, start, request }.decide(snapshot))),
        }
    }
}

impl Attempt {
    /// Reads the key from the store and decides.
    async fn read(self) -> Verified {
        let inner = &*self.presented.running;
        match self.look_up().await {
            Ok(Lookup::Found(snapshot)) => self.decide(snapshot).await,
            Ok(Lookup::Unknown(schemes)) => Err(inner.refuse(inner.unknown(&schemes))),
            Ok(Lookup::UnknownPlan) => Err(inner.refuse(Denial::VerificationUnavailable)),
            Err(error) => {
                inner.observer.store_failed(&error);
                Err(inner.refuse(Denial::VerificationUnavailable))
            }
        }
    }

    /// Reads the key of the secret. If there is no such key, reads the schemes of the stored secrets. Both
    /// reads share one of the concurrent lookups and one timeout.
    ///
    /// Each verification reads for itself. It must not use the result of a read that began before it, because a
    /// change may have returned in between.
    async fn look_up(&self) -> Result<Lookup, StoreError> {
        let Presented { running, fingerprint, secret } = &self.presented;
        let inner = &**running;
        let candidates = match secret {
            Some(secret) => inner.peppers.candidates(secret),
            None => vec![(*fingerprint).into()],
        };
        inner
            .ask("find", async {
                let _turn = inner.lookups.acquire().await;
                let epoch = inner.cache.epoch();
                let found = inner.store.find(&candidates).await?;
                match found.filter(|found| inner.is_ours(&candidates, found)) {
                    Some(found) => Ok(self.found(found, epoch)),
                    None => Ok(Lookup::Unknown(inner.store.schemes().await?)),
                }
            })
            .await
    }

    /// Creates the snapshot of a key that was read, and adds it to the cache.
    fn found(&self, found: FoundKey, epoch: Epoch) -> Lookup {
        let inner = &*self.presented.running;
        let Some(plan) = inner.plans.get(&found.plan) else {
            inner.observer.unknown_plan(&found.plan);
            return Lookup::UnknownPlan;
        };
        let live = inner.live.entry(found.key.id);
        let snapshot =
            Arc::new(Snapshot::new(self.presented.fingerprint, found, (Arc::clone(plan), live), epoch));
        inner.cache.insert(&snapshot, Moment::now(&*inner.clock));
        Lookup::Found(snapshot)
    }

    /// Decides, and waits for room in the buffer of the audit log and for the limiter.
    async fn decide(self, snapshot: Arc<Snapshot>) -> Verified {
        let Self { presented: Presented { running, .. }, start, request } = self;
        match running.decide(&snapshot).await {
            Ok(rate) => Ok(admit(running, snapshot, rate, (request, start))),
            Err(denial) => {
                let denial = note_denial(&running, &snapshot, denial, start, request);
                if !running.is_maintained() {
                    // The recorder reports a failure, and keeps the event for the next flush.
                    let _ = running.recorder.flush().await;
                }
                Err(denial)
            }
        }
    }
}

fn admit(
    running: Running,
    snapshot: Arc<Snapshot>,
    rate: RateStatus,
    (request, start): (RequestMeta, RequestStart),
) -> Admission {
    running.observer.admitted();
    Admission { running, key: VerifiedKey { snapshot, rate }, meta: Some(request), start }
}

/// Adds a denied request of a recognized key to the buffer of the audit log.
fn note_denial(
    inner: &Inner,
    snapshot: &Arc<Snapshot>,
    denial: Denial,
    start: RequestStart,
    request: RequestMeta,
) -> Denial {
    let latency = inner.clock.monotonic().saturating_since(start.monotonic);
    inner.observer.denied(&denial, Some(snapshot.key));
    inner.recorder.push_denial(snapshot, start, denial.code(), (request, latency, denial.status()));
    denial
}

impl Inner {
    /// Checks the key's state and the plan, then the room for the audit event, then the rate limit. A request
    /// that fails one check does not reach the next, so that a denied request does not count against the rate
    /// limit.
    async fn decide(&self, snapshot: &Snapshot) -> Result<RateStatus, Denial> {
        snapshot.admit(self.clock.wall())?;
        if self.recorder.is_full() && !self.make_room().await {
            return Err(Denial::AuditUnavailable { after_handler: false });
        }
        let charges = [snapshot.charge()];
        let verdict = match self.limiter.acquire(self.clock.monotonic(), &*self.clock, &charges) {
            Acquisition::Now(verdict) => verdict,
            Acquisition::Later(verdict) => {
                // A limiter that asks a server may not count in the key's window.
                snapshot.mark_used();
                verdict.await
            }
        };
        rate(verdict)
    }

    /// Decides like [`decide`](Self::decide) if that needs no waiting.
    fn decide_at_once(&self, snapshot: &Snapshot, now: Moment) -> AtOnce {
        if let Err(denial) = snapshot.admit(now.wall) {
            return AtOnce::Decided(Err(denial));
        }
        if self.recorder.is_full() {
            return AtOnce::MustWait;
        }
        match self.limiter.acquire(now.monotonic, &*self.clock, &[snapshot.charge()]) {
            Acquisition::Now(verdict) => AtOnce::Decided(rate(verdict)),
            // The future has counted nothing, because it was not polled.
            Acquisition::Later(_) => AtOnce::MustWait,
        }
    }

    /// Returns whether the store's row is that of the presented secret, and the row's `ends_at` has not
    /// passed. The locators are compared here because the engine does not rely on the store's comparison.
    fn is_ours(&self, candidates: &[Locator], found: &FoundKey) -> bool {
        let secret = &found.secret;
        let now = self.clock.wall();
        candidates.iter().any(|candidate| candidate.matches(&secret.locator))
            && secret.key == found.key.id
            && secret.ends_at.is_none_or(|end| now < end)
    }

    /// Counts a denied request that is not recorded in the audit log, such as one whose key was not recognized.
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

fn rate(verdict: Verdict) -> Result<RateStatus, Denial> {
    match verdict {
        Verdict::Admitted(rate) => Ok(rate),
        Verdict::Limited(limited) => Err(Denial::RateLimited(limited)),
        Verdict::Unavailable => Err(Denial::VerificationUnavailable),
    }
}
