use std::{future::Future, pin::pin, task::Poll, time::Duration};

use apikeys_core::{
    Actor, Admission, ApiKeys, Clock, Denial, KeyId, Maintenance, ManualClock, MemoryStore, NewKey, OrgId, PlanName,
    RateLimit, RequestMeta, Secret,
    audit::{AuditEvent, Outcome},
    conformance::faults::FaultStore,
    engine::{Builder, Created, Manage},
    store::AuditQuery,
};

/// An engine on a store that can be told to fail, with its clock.
pub struct Bench {
    pub keys: ApiKeys,
    pub store: FaultStore<MemoryStore>,
    pub clock: ManualClock,
    pub maintenance: Option<Maintenance>,
}

pub fn org(name: &str) -> OrgId {
    OrgId::new(name).unwrap()
}

pub fn actor() -> Actor {
    Actor::new("ann").unwrap()
}

pub fn plan(name: &str) -> PlanName {
    PlanName::new(name).unwrap()
}

pub fn request() -> RequestMeta {
    RequestMeta::new("GET", "/v1/items")
}

pub fn new_key(name: &str) -> NewKey {
    NewKey::new(name.parse().unwrap())
}

pub fn per_minute(requests: u32) -> RateLimit {
    RateLimit::per_minute(requests).unwrap()
}

impl Bench {
    pub async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub async fn with(adjust: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = ManualClock::default();
        let store = FaultStore::new(MemoryStore::new(), clock.clone());
        let builder = ApiKeys::builder(store.clone()).clock(clock.clone()).prefix("test_key");
        let (keys, maintenance) = adjust(builder).build().await.unwrap();
        let bench = Self { keys, store, clock, maintenance: Some(maintenance) };
        bench.set_plan("enterprise").await;
        bench
    }

    /// Runs the maintenance on the test's own thread.
    pub fn maintain(&mut self) -> tokio::task::JoinHandle<()> {
        tokio::spawn(self.maintenance.take().unwrap().run())
    }

    pub fn manage(&self) -> Manage {
        self.keys.manage(org("org"), actor())
    }

    pub async fn set_plan(&self, name: &str) {
        self.keys.operator(actor()).set_plan(&org("org"), &plan(name)).await.unwrap();
    }

    pub async fn create(&self, new: NewKey) -> Created {
        self.manage().create(new).await.unwrap()
    }

    pub async fn verify(&self, secret: &Secret) -> Result<Admission, Denial> {
        self.keys.verify(secret.expose().as_bytes(), request()).await
    }

    /// A request that the handler answers with 200.
    pub async fn call(&self, secret: &Secret) -> Result<(), Denial> {
        self.verify(secret).await?.finish(200).await
    }

    /// All events of requests, oldest first.
    pub async fn requests(&self) -> Vec<AuditEvent> {
        self.keys.flush().await.unwrap();
        let query = AuditQuery::new(org("org"), 100_000).action(apikeys_core::audit::Action::Request);
        let page = self.manage().audit(query).await.unwrap();
        assert!(page.next.is_none());
        page.items.into_iter().rev().map(|entry| entry.event).collect()
    }

    pub async fn count(&self, key: KeyId) -> u64 {
        self.keys.flush().await.unwrap();
        self.manage().get(key).await.unwrap().view.request_count
    }

    /// Drives `future` while time passes, until it is done.
    pub async fn pass_time_until<T>(&self, future: impl Future<Output = T>) -> T {
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

pub async fn poll_once<F: Future>(mut future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

pub fn outcomes(events: &[AuditEvent]) -> Vec<(Outcome, Option<u16>)> {
    events.iter().map(|event| event.request().unwrap()).map(|record| (record.outcome, record.status)).collect()
}

pub fn id(created: &Created) -> KeyId {
    created.key.view.row.id
}
