//! A host with one organization and one key, and a store that is watched and fails when told to.

use std::{convert::Infallible, fmt, sync::Arc};

use apikeys_test_leftovers::{note_secret, of_this_process};
use apikeys_tower::{
    ApiKeyLayer,
    apikeys_core::{
        Actor, ApiKeys, Denial, KeyId, ManualClock, MemoryStore, NewKey, OrgId, PlanName, RateLimit, Secret,
        audit::{Action, RequestRecord},
        conformance::faults::{FaultStore, Faults},
        engine::{CreatedKey, KeyManager},
        store::AuditQuery,
    },
};
use axum::body::Body;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};

pub struct Host {
    pub keys: ApiKeys,
    pub clock: ManualClock,
    /// What the store does wrong, and how often it was asked.
    pub faults: Faults,
    pub org: OrgId,
    pub key: KeyId,
    pub secret: Secret,
}

impl Host {
    /// A key with the default limit of 60 a minute.
    pub async fn new() -> Self {
        Self::with_key(NewKey::new("CI").unwrap()).await
    }

    pub async fn with_limit(per_minute: u32) -> Self {
        let limit = RateLimit::per_minute(per_minute).unwrap();
        Self::with_key(NewKey::new("CI").unwrap().rate_limit(limit)).await
    }

    async fn with_key(new: NewKey) -> Self {
        of_this_process();
        let clock = ManualClock::default();
        let store = FaultStore::new(MemoryStore::new(), Arc::new(clock.clone()));
        let faults = store.faults().clone();
        // Not maintained: an answered request is on the audit log when its response is out.
        let (keys, _) = ApiKeys::builder(store).clock(clock.clone()).build().await.unwrap();
        let org = OrgId::new("org_1").unwrap();
        set_plan(&keys, &org, "professional").await;
        let CreatedKey { key, secret, .. } = keys.manage(org.clone(), actor()).create(new).await.unwrap();
        note_secret(secret.display_prefix(), secret.expose());
        Self { keys, clock, faults, org, key: key.id(), secret }
    }

    pub fn layer(&self) -> ApiKeyLayer {
        ApiKeyLayer::new(self.keys.clone())
    }

    pub fn manage(&self) -> KeyManager {
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
        of_this_process().leave("audit-log.txt", &format!("{:?}", page.items));
        page.items.iter().rev().map(|entry| entry.event.request().unwrap().clone()).collect()
    }

    pub async fn request_count(&self) -> u64 {
        self.keys.flush().await.unwrap();
        self.manage().get(self.key).await.unwrap().request_count()
    }
}

fn actor() -> Actor {
    Actor::new("ann").unwrap()
}

async fn set_plan(keys: &ApiKeys, org: &OrgId, plan: &str) {
    keys.operator(actor()).set_plan(org, PlanName::new(plan).unwrap()).await.unwrap();
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
        if status.is_client_error() || status.is_server_error() {
            let denial = extensions.get::<Denial>();
            of_this_process().leave("refusals.txt", &format!("{status} {headers:?} {denial:?} {body}"));
        }
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
