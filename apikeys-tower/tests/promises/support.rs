//! A host with one organization and one key, and a store that can be watched and taken away.

use std::{
    convert::Infallible,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use apikeys_tower::{
    ApiKeyLayer,
    apikeys_core::{
        Actor, ApiKeys, Created, KeyId, KeyStore, ManualClock, MemoryStore, NewKey, OrgId, PlanName,
        RateLimit, Secret,
        audit::{Action, AuditEntry, RequestRecord},
        engine::Manage,
        id::{EventId, WriterId},
        key::KeyView,
        store::{
            AuditQuery, Batch, Change, Committed, Found, KeyQuery, OrgRow, Page, Recorded, StoreError,
            StoreErrorKind, StoreResult, UsagePoint, UsageQuery,
        },
        token::{Locator, Scheme},
    },
};
use async_trait::async_trait;
use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};

pub struct Host {
    pub keys: ApiKeys,
    pub clock: ManualClock,
    pub store: WatchedStore,
    pub org: OrgId,
    pub key: KeyId,
    pub secret: Secret,
}

impl Host {
    /// A key with the default limit of 60 a minute.
    pub async fn new() -> Self {
        Self::with_key(NewKey::new("CI".parse().unwrap())).await
    }

    pub async fn with_limit(per_minute: u32) -> Self {
        let limit = RateLimit::per_minute(per_minute).unwrap();
        Self::with_key(NewKey::new("CI".parse().unwrap()).rate_limit(limit)).await
    }

    async fn with_key(new: NewKey) -> Self {
        let (clock, store) = (ManualClock::default(), WatchedStore::default());
        // Not maintained: an answered request is on the audit log when its response is out.
        let (keys, _) = ApiKeys::builder(store.clone()).clock(clock.clone()).build().await.unwrap();
        let org = OrgId::new("org_1").unwrap();
        set_plan(&keys, &org, "professional").await;
        let Created { key, secret, .. } = keys.manage(org.clone(), actor()).create(new).await.unwrap();
        store.finds.store(0, Ordering::SeqCst);
        Self { keys, clock, store, org, key: key.view.row.id, secret }
    }

    pub fn layer(&self) -> ApiKeyLayer {
        ApiKeyLayer::new(self.keys.clone())
    }

    pub fn manage(&self) -> Manage {
        self.keys.manage(self.org.clone(), actor())
    }

    pub async fn set_plan(&self, plan: &str) {
        set_plan(&self.keys, &self.org, plan).await;
    }

    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.secret.expose())
    }

    /// A GET with the key.
    pub fn get(&self, uri: &str) -> Request<Body> {
        Request::get(uri).header("authorization", self.bearer()).body(Body::empty()).unwrap()
    }

    /// All requests on the audit log, oldest first.
    pub async fn requests(&self) -> Vec<RequestRecord> {
        self.keys.flush().await.unwrap();
        let query = AuditQuery::new(self.org.clone(), 10_000).action(Action::Request);
        let page = self.manage().audit(query).await.unwrap();
        page.items.iter().rev().map(|entry| entry.event.request().unwrap().clone()).collect()
    }

    pub async fn request_count(&self) -> u64 {
        self.keys.flush().await.unwrap();
        self.manage().get(self.key).await.unwrap().view.request_count
    }
}

fn actor() -> Actor {
    Actor::new("ann").unwrap()
}

async fn set_plan(keys: &ApiKeys, org: &OrgId, plan: &str) {
    keys.operator(actor()).set_plan(org, &PlanName::new(plan).unwrap()).await.unwrap();
}

/// A GET without a key.
pub fn anonymous(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).unwrap()
}

/// A GET with these header lines.
pub fn with_lines(uri: &str, lines: &[(&str, &str)]) -> Request<Body> {
    let request =
        lines.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
    request.body(Body::empty()).unwrap()
}

/// A response that was read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub extensions: http::Extensions,
    pub body: String,
    pub trailers: Option<HeaderMap>,
}

impl Reply {
    pub async fn read<B>(response: Response<B>) -> Self
    where
        B: http_body::Body,
        B::Error: fmt::Debug,
    {
        let (parts, body) = response.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned();
        let body = String::from_utf8(collected.to_bytes().to_vec()).unwrap();
        let http::response::Parts { status, headers, extensions, .. } = parts;
        Self { status, headers, extensions, body, trailers }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.get_all(name).iter();
        let first = lines.next().map(|value| value.to_str().unwrap());
        assert_eq!(lines.next(), None, "{name} stands there once at most");
        first
    }

    /// The code of a denial.
    pub fn code(&self) -> &str {
        let rest = self.body.split_once("\"code\":\"").expect(&self.body).1;
        rest.split_once('"').unwrap().0
    }
}

/// Sends one request.
pub async fn send<S, R, B>(service: S, request: Request<R>) -> Reply
where
    S: Service<Request<R>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body,
    B::Error: fmt::Debug,
{
    Reply::read(service.oneshot(request).await.unwrap()).await
}

/// A store in memory that counts look-ups, and can be taken away.
#[derive(Debug, Clone, Default)]
pub struct WatchedStore {
    inner: MemoryStore,
    pub finds: Arc<AtomicUsize>,
    pub away: Arc<AtomicBool>,
}

impl WatchedStore {
    pub fn finds(&self) -> usize {
        self.finds.load(Ordering::SeqCst)
    }

    fn here(&self, operation: &'static str) -> StoreResult<&MemoryStore> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::new(StoreErrorKind::Unavailable, operation));
        }
        Ok(&self.inner)
    }
}

#[async_trait]
impl KeyStore for WatchedStore {
    async fn find(&self, locators: &[Locator]) -> StoreResult<Option<Found>> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        self.here("find")?.find(locators).await
    }

    async fn schemes(&self) -> StoreResult<Vec<Scheme>> {
        self.here("schemes")?.schemes().await
    }

    async fn org(&self, org: &OrgId) -> StoreResult<Option<OrgRow>> {
        self.here("org")?.org(org).await
    }

    async fn key(&self, org: &OrgId, key: KeyId) -> StoreResult<Option<KeyView>> {
        self.here("key")?.key(org, key).await
    }

    async fn keys(&self, query: &KeyQuery) -> StoreResult<Page<KeyView, KeyId>> {
        self.here("keys")?.keys(query).await
    }

    async fn commit(&self, change: &Change) -> StoreResult<Committed> {
        self.here("commit")?.commit(change).await
    }

    async fn open_writer(&self, writer: WriterId) -> StoreResult<()> {
        self.here("open_writer")?.open_writer(writer).await
    }

    async fn record(&self, batch: &Batch) -> StoreResult<Recorded> {
        self.here("record")?.record(batch).await
    }

    async fn audit(&self, query: &AuditQuery) -> StoreResult<Page<AuditEntry, EventId>> {
        self.here("audit")?.audit(query).await
    }

    async fn usage(&self, query: &UsageQuery) -> StoreResult<Vec<UsagePoint>> {
        self.here("usage")?.usage(query).await
    }
}
