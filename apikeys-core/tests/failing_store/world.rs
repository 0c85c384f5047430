use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use apikeys_core::{
    Actor, ApiKeys, BuildError, Builder, Clock, Denial, KeyId, Maintenance, ManualClock, MemoryStore, NewKey,
    OrgId, PlanName, RequestMeta, Secret,
    audit::Action,
    conformance::faults::{FaultStore, Faults},
    entropy::OsEntropy,
    id::{ChangeId, InstanceId},
    store::{AuditQuery, Change, ChangeKind, Coherence, KeyStore},
    token::TokenFormat,
    warning::{
        Contacts, ContactsError, ExpiryWarning, ExpiryWarnings, Notifier, NotifyError, WarningPeriods,
    },
};
use async_trait::async_trait;
use futures_util::future::{join, select};

use crate::{
    Cell,
    call::{Answer, Call},
};

pub(crate) const STORE_TIMEOUT: Duration = Duration::from_secs(1);
const WARNING_PERIOD: Duration = Duration::from_secs(300);

/// An engine on a store that fails on purpose, with one key.
pub(crate) struct World {
    pub(crate) keys: ApiKeys,
    pub(crate) faults: Faults,
    pub(crate) key: KeyId,
    pub(crate) secret: Secret,
    /// A well-formed secret that was never issued.
    pub(crate) unknown: Secret,
    store: FaultStore<MemoryStore>,
    clock: ManualClock,
    maintenance: Mutex<Option<Maintenance>>,
    admitted: AtomicU64,
}

pub(crate) fn org() -> OrgId {
    OrgId::new("org").unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        let clock = ManualClock::default();
        let store = FaultStore::new(MemoryStore::new(), Arc::new(clock.clone()));
        let faults = store.faults().clone();
        let (keys, maintenance) = builder(&store, &clock).build().await.unwrap();
        let actor = Actor::new("ann").unwrap();
        let plan = PlanName::new("enterprise").unwrap();
        keys.operator(actor.clone()).set_plan(&org(), &plan).await.unwrap();
        let new = NewKey::new("first").unwrap();
        let created = keys.manage(org(), actor).create(new).await.unwrap();
        // Each change waits for this instance, and removes its row when its lease has ended.
        store.inner().register(InstanceId::from_bytes([1; 16]), STORE_TIMEOUT).await.unwrap();
        let unknown = TokenFormat::new("test_key".parse().unwrap()).generate(&OsEntropy::new()).unwrap();
        Self {
            keys,
            faults,
            key: created.key.id(),
            secret: created.secret,
            unknown,
            store,
            clock,
            maintenance: Mutex::new(Some(maintenance)),
            admitted: AtomicU64::new(0),
        }
    }

    pub(crate) fn actor(&self) -> Actor {
        Actor::new("ann").unwrap()
    }

    /// Makes a call, and moves the clock until the call has ended.
    pub(crate) async fn make(&self, call: Call) -> Answer {
        let mut answer = pin!(call.make(self));
        for _ in 0..2_000 {
            let polled = std::future::poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await;
            if let Poll::Ready(answer) = polled {
                return answer;
            }
            self.clock.advance(STORE_TIMEOUT / 8).await;
        }
        panic!("{call:?} does not answer");
    }

    pub(crate) async fn build(&self) -> Answer {
        match builder(&self.store, &self.clock).build().await {
            Ok(_) => Answer::Done,
            Err(BuildError::Store(error)) => Answer::Failed(error.kind()),
            Err(other) => Answer::Other(format!("{other:?}")),
        }
    }

    pub(crate) async fn verify(&self, secret: &Secret) -> Answer {
        match self.keys.verify(secret.expose().as_bytes(), RequestMeta::new("GET", "/v1/items")).await {
            Ok(_) => {
                self.admitted.fetch_add(1, Ordering::SeqCst);
                Answer::Done
            }
            Err(denial) => Answer::Denied(denial),
        }
    }

    pub(crate) async fn verify_and_finish(&self) -> Answer {
        let request = RequestMeta::new("GET", "/v1/items");
        match self.keys.verify(self.secret.expose().as_bytes(), request).await {
            Ok(admission) => {
                self.admitted.fetch_add(1, Ordering::SeqCst);
                admission.finish(200).await.map_or_else(Answer::Denied, |()| Answer::Done)
            }
            Err(denial) => Answer::Denied(denial),
        }
    }

    /// Creates a key whose warning is due within the two minutes of [`maintain`](Self::maintain).
    pub(crate) async fn add_key_that_expires_soon(&self) {
        let expires_at = self.clock.wall().saturating_add(WARNING_PERIOD + Duration::from_secs(20));
        let new = NewKey::new("expires soon").unwrap().expires_at(expires_at);
        self.keys.manage(org(), self.actor()).create(new).await.unwrap();
    }

    /// Runs the maintenance for two minutes. Returns `Done` if the audit log is written at the end.
    pub(crate) async fn maintain(&self) -> Answer {
        let change = async {
            self.clock.sleep(Duration::from_secs(60)).await;
            // The maintenance acknowledges this change. The fault is not in the methods that this call uses.
            let change = ChangeKind::SetPlan {
                org: OrgId::new("other").unwrap(),
                plan: PlanName::new("free").unwrap(),
                expected: None,
            };
            let change = Change::new(ChangeId::from_bytes([1; 16]), change, vec![]);
            self.store.inner().commit(&change).await.unwrap();
        };
        join(self.maintain_for(Duration::from_secs(120)), change).await;
        let health = self.keys.health();
        let written = health.buffered_events == 0 && health.flush_failure.is_none();
        if written { Answer::Done } else { Answer::Unwritten }
    }

    /// Runs the maintenance until it has registered the instance.
    pub(crate) async fn register(&self) {
        join(self.maintain_for(STORE_TIMEOUT), self.clock.advance(STORE_TIMEOUT)).await;
    }

    /// Runs the maintenance for some time.
    async fn maintain_for(&self, time: Duration) {
        let maintenance = self.maintenance.lock().unwrap().take().unwrap();
        select(pin!(maintenance.run()), self.clock.sleep(time)).await;
    }

    /// Returns the number of events of an action in the audit log.
    pub(crate) async fn events(&self, action: Option<Action>) -> usize {
        let Some(action) = action else { return 0 };
        let query = AuditQuery::new(org(), 1_000).action(action);
        self.store.inner().audit(&query).await.unwrap().items.len()
    }

    /// Checks that the engine works normally after the faults were cleared.
    pub(crate) async fn expect_recovered(&self, cell: &mut Cell, call: Call) {
        if call == Call::Shutdown {
            let known = self.make(Call::Verify).await;
            let refused = Answer::Denied(Denial::VerificationUnavailable);
            cell.expect(known == refused, "known key after the shutdown", &known);
        } else {
            let unknown = self.make(Call::VerifyUnknown).await;
            cell.expect(unknown == Call::VerifyUnknown.faultless(), "unknown key afterwards", &unknown);
            if !call.keeps_the_key() {
                // The change succeeds now, whether or not it was made the first time.
                self.make(call).await;
            }
            let expected = match call {
                Call::Delete | Call::Forget => Answer::Denied(Denial::Invalid),
                Call::Deactivate => Answer::Denied(Denial::Deactivated),
                _ => Answer::Done,
            };
            let known = self.make(Call::Verify).await;
            cell.expect(known == expected, "known key afterwards", &known);
        }
        let flush = self.make(Call::Flush).await;
        cell.expect(flush == Answer::Done, "flush afterwards", &flush);
        let health = self.keys.health();
        let healthy = health.buffered_events == 0 && health.flush_failure.is_none();
        cell.expect(healthy, "health afterwards", &health);
        let store = self.store.inner();
        if let Some(view) = store.key(&org(), self.key).await.unwrap() {
            let recorded = self.admitted.load(Ordering::SeqCst);
            cell.expect(view.request_count == recorded, "request count", &view.request_count);
            let query = AuditQuery::new(org(), 1_000).action(Action::Request);
            let events = store.audit(&query).await.unwrap().items.into_iter();
            let events = events.filter(|entry| entry.event.request().unwrap().outcome.is_admitted()).count();
            cell.expect(events as u64 == recorded, "request events", &events);
        }
    }
}

/// Fails at the first attempt to send a warning, so that the attempt is postponed.
#[derive(Default)]
struct SecondAttempt(AtomicU64);

#[async_trait]
impl Notifier for SecondAttempt {
    async fn notify(&self, _: &ExpiryWarning) -> Result<(), NotifyError> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => Err(NotifyError::temporary("the first attempt fails")),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Contacts for SecondAttempt {
    async fn admins(&self, _: &OrgId) -> Result<Vec<String>, ContactsError> {
        Ok(vec!["ann@example.com".to_owned()])
    }
}

fn builder(store: &FaultStore<MemoryStore>, clock: &ManualClock) -> Builder {
    let periods = WarningPeriods::new([WARNING_PERIOD]).unwrap();
    let warnings = ExpiryWarnings::new(SecondAttempt::default(), SecondAttempt::default()).periods(periods);
    ApiKeys::builder(store.clone())
        .clock(clock.clone())
        .prefix("test_key")
        .store_timeout(STORE_TIMEOUT)
        .expiry_warnings(warnings)
}
