use std::sync::Arc;

use apikeys_core::{
    Actor, ApiKeys, CreatedKey, KeyId, KeyManager, ManualClock, MemoryStore, NewKey, OrgId, PlanName, Plans,
    RateLimit, Secret,
    audit::{Action, Outcome, RequestRecord},
    conformance::faults::{FaultStore, Faults},
    store::AuditQuery,
};
use apikeys_test_leftovers::{note_secret, of_this_process};

use crate::{Adapter, Handler, Options, Reply, Request, handled};

/// A host with one organization and one key, and a store that fails when it is told to.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "used by tests")]
pub struct Host {
    /// The host's keys.
    pub keys: ApiKeys,
    /// The clock of the keys.
    pub clock: ManualClock,
    /// The rows, for another engine on them.
    pub store: MemoryStore,
    /// The faults of the store, and the number of calls of each method.
    pub faults: Faults,
    /// The organization.
    pub org: OrgId,
    /// The key.
    pub key: KeyId,
    /// The key's secret.
    pub secret: Secret,
}

impl Host {
    /// Creates a host with a key of the default limit, 60 requests a minute.
    pub async fn new() -> Self {
        Self::with(Plans::standard(), "professional", NewKey::new("CI").unwrap()).await
    }

    /// Creates a host with a key of this limit.
    pub async fn with_limit(per_minute: u32) -> Self {
        let limit = RateLimit::per_minute(per_minute).unwrap();
        Self::with(Plans::standard(), "professional", NewKey::new("CI").unwrap().rate_limit(limit)).await
    }

    /// Creates a host with these plans and a key on the plan `plan`.
    pub async fn with(plans: Plans, plan: &str, new: NewKey) -> Self {
        of_this_process();
        let clock = ManualClock::default();
        let store = MemoryStore::new();
        let faulty = FaultStore::new(store.clone(), Arc::new(clock.clone()));
        let faults = faulty.faults().clone();
        // Without maintenance, a request is on the audit log when its response is ready.
        let (keys, _) = ApiKeys::builder(faulty).plans(plans).clock(clock.clone()).build().await.unwrap();
        let org = OrgId::new("org_1").unwrap();
        keys.operator(actor()).set_plan(&org, PlanName::new(plan).unwrap()).await.unwrap();
        let CreatedKey { key, secret, .. } = keys.manage(&org, actor()).create(new).await.unwrap();
        note_secret(secret.display_prefix(), secret.expose());
        Self { keys, clock, store, faults, org, key: key.id(), secret }
    }

    /// A service with `handler` behind the adapter.
    pub async fn app<A: Adapter>(&self, options: Options, handler: Handler) -> A::App {
        A::app(self.keys.clone(), options, handler).await
    }

    /// A service with the default options that answers `handled`.
    pub async fn handled<A: Adapter>(&self) -> A::App {
        self.app::<A>(Options::default(), handled()).await
    }

    /// Sends a request with the key.
    pub async fn call<A: Adapter>(&self, app: &A::App) -> Reply {
        A::send(app, self.request("/")).await
    }

    /// A `GET` request with the key.
    #[must_use]
    pub fn request(&self, uri: &str) -> Request {
        Request::get(uri).with(&[("authorization", &self.bearer())])
    }

    /// The value of `Authorization` with the key.
    #[must_use]
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.secret.expose())
    }

    /// The keys of the organization.
    #[must_use]
    pub fn manage(&self) -> KeyManager {
        self.keys.manage(&self.org, actor())
    }

    /// Sets the organization's plan.
    pub async fn set_plan(&self, plan: &str) {
        self.keys.operator(actor()).set_plan(&self.org, PlanName::new(plan).unwrap()).await.unwrap();
    }

    /// All requests on the audit log, oldest first.
    pub async fn requests(&self) -> Vec<RequestRecord> {
        self.keys.flush().await.unwrap();
        let query = AuditQuery::new(self.org.clone(), 10_000).action(Action::Request);
        let page = self.manage().audit(query).await.unwrap();
        of_this_process().leave("audit-log.txt", &format!("{:?}", page.items));
        page.items.iter().rev().map(|entry| entry.event.request().unwrap().clone()).collect()
    }

    /// The outcome and status of all requests on the audit log, oldest first.
    pub async fn endings(&self) -> Vec<(Outcome, Option<u16>)> {
        self.requests().await.iter().map(|request| (request.outcome.clone(), request.status)).collect()
    }

    /// The number of admitted requests of the key.
    pub async fn request_count(&self) -> u64 {
        self.keys.flush().await.unwrap();
        self.manage().get(self.key).await.unwrap().request_count()
    }
}

/// The actor of the tests.
#[must_use]
pub fn actor() -> Actor {
    Actor::new("ann").unwrap()
}
