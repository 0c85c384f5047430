use std::{future::Future, pin::pin, sync::Arc, task::Poll, time::Duration};

use apikeys_core::{
    Actor, Admission, ApiKeys, Clock, Denial, KeyId, Maintenance, ManualClock, MemoryStore, NewKey, OrgId,
    PlanName, RateLimit, RequestMeta, Secret,
    audit::{AuditEvent, Outcome},
    conformance::faults::{FaultStore, Faults},
    engine::{Builder, CreatedKey, KeyManager},
    store::AuditQuery,
};
use apikeys_test_leftovers::{note_secret, of_this_process};

/// An engine on a store that fails on purpose, with the engine's clock.
pub(crate) struct Bench {
    pub(crate) keys: ApiKeys,
    /// The store behind the store that fails on purpose.
    pub(crate) store: MemoryStore,
    pub(crate) faults: Faults,
    pub(crate) clock: ManualClock,
    pub(crate) maintenance: Option<Maintenance>,
}

pub(crate) fn org(name: &str) -> OrgId {
    OrgId::new(name).unwrap()
}

pub(crate) fn actor() -> Actor {
    Actor::new("ann").unwrap()
}

pub(crate) fn plan(name: &str) -> PlanName {
    PlanName::new(name).unwrap()
}

pub(crate) fn request() -> RequestMeta {
    RequestMeta::new("GET", "/v1/items")
}

pub(crate) fn new_key(name: &str) -> NewKey {
    NewKey::new(name).unwrap()
}

pub(crate) fn per_minute(requests: u32) -> RateLimit {
    RateLimit::per_minute(requests).unwrap()
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub(crate) async fn with(adjust: impl FnOnce(Builder) -> Builder) -> Self {
        Self::on(ManualClock::default(), adjust).await
    }

    pub(crate) async fn on(clock: ManualClock, adjust: impl FnOnce(Builder) -> Builder) -> Self {
        of_this_process();
        let store = MemoryStore::new();
        let failing = FaultStore::new(store.clone(), Arc::new(clock.clone()));
        let faults = failing.faults().clone();
        let builder = ApiKeys::builder(failing).clock(clock.clone()).prefix("test_key");
        let (keys, maintenance) = adjust(builder).build().await.unwrap();
        let bench = Self { keys, store, faults, clock, maintenance: Some(maintenance) };
        bench.set_plan("enterprise").await;
        bench
    }

    /// Runs the maintenance on the test's own thread.
    pub(crate) async fn maintain(&mut self) -> tokio::task::JoinHandle<()> {
        let task = tokio::spawn(self.maintenance.take().unwrap().run());
        while !self.keys.health().maintained {
            tokio::task::yield_now().await;
        }
        task
    }

    pub(crate) fn manage(&self) -> KeyManager {
        self.keys.manage(org("org"), actor())
    }

    pub(crate) async fn set_plan(&self, name: &str) {
        self.keys.operator(actor()).set_plan(org("org"), plan(name)).await.unwrap();
    }

    pub(crate) async fn create(&self, new: NewKey) -> CreatedKey {
        let created = self.manage().create(new).await.unwrap();
        note_secret(created.secret.display_prefix(), created.secret.expose());
        created
    }

    pub(crate) async fn verify(&self, secret: &Secret) -> Result<Admission, Denial> {
        let verified = self.keys.verify(secret.expose().as_bytes(), request()).await;
        if let Err(denial) = &verified {
            of_this_process().leave("denials.txt", &format!("{denial:?}"));
        }
        verified
    }

    /// Makes a request that the handler answers with 200.
    pub(crate) async fn call(&self, secret: &Secret) -> Result<(), Denial> {
        self.verify(secret).await?.finish(200).await
    }

    /// Returns all events of requests, oldest first.
    pub(crate) async fn requests(&self) -> Vec<AuditEvent> {
        self.keys.flush().await.unwrap();
        let query = AuditQuery::new(org("org"), 100_000).action(apikeys_core::audit::Action::Request);
        let page = self.manage().audit(query).await.unwrap();
        assert!(page.next.is_none());
        of_this_process().leave("audit-log.txt", &format!("{:?}", page.items));
        page.items.into_iter().rev().map(|entry| entry.event).collect()
    }

    pub(crate) async fn count(&self, key: KeyId) -> u64 {
        self.keys.flush().await.unwrap();
        self.manage().get(key).await.unwrap().request_count()
    }

    /// Polls `future` and moves the clock until the future is done.
    pub(crate) async fn pass_time_until<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        for _ in 0..2_000 {
            if let Poll::Ready(done) = poll_once(future.as_mut()).await {
                return done;
            }
            self.clock.advance(Duration::from_millis(25)).await;
        }
        panic!("still waiting at {}", self.clock.wall());
    }
}

pub(crate) async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

pub(crate) fn outcomes(events: &[AuditEvent]) -> Vec<(Outcome, Option<u16>)> {
    events
        .iter()
        .map(|event| event.request().unwrap())
        .map(|record| (record.outcome.clone(), record.status))
        .collect()
}

pub(crate) fn id(created: &CreatedKey) -> KeyId {
    created.key.id()
}
