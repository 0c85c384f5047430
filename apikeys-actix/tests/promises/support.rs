//! A host with one organization and one key, and a store that is watched and fails when told to.

use std::sync::Arc;

use actix_http::Request;
use actix_web::{
    App, Error, HttpResponse, Responder,
    body::{self, MessageBody},
    dev::{Service, ServiceResponse},
    http::{StatusCode, header::HeaderMap},
    test::{self, TestRequest},
    web,
};
use apikeys_actix::{
    ApiKeyMiddleware,
    apikeys_core::{
        Actor, ApiKeys, Denial, KeyId, ManualClock, MemoryStore, NewKey, OrgId, PlanName, RateLimit, Secret,
        audit::{Action, Outcome, RequestRecord},
        conformance::faults::{FaultStore, Faults},
        engine::{CreatedKey, KeyManager},
        store::AuditQuery,
    },
};
use apikeys_test_leftovers::{note_secret, of_this_process};

pub struct Host {
    pub keys: ApiKeys,
    pub clock: ManualClock,
    /// For another engine on the same rows.
    pub store: MemoryStore,
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
        let store = MemoryStore::new();
        let faulty = FaultStore::new(store.clone(), Arc::new(clock.clone()));
        let faults = faulty.faults().clone();
        // Not maintained: an answered request is on the audit log when its response is out.
        let (keys, _) = ApiKeys::builder(faulty).clock(clock.clone()).build().await.unwrap();
        let org = OrgId::new("org_1").unwrap();
        set_plan(&keys, &org, "professional").await;
        let CreatedKey { key, secret, .. } = keys.manage(org.clone(), actor()).create(new).await.unwrap();
        note_secret(secret.display_prefix(), secret.expose());
        Self { keys, clock, store, faults, org, key: key.id(), secret }
    }

    pub fn middleware(&self) -> ApiKeyMiddleware {
        ApiKeyMiddleware::new(self.keys.clone())
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
    pub fn get(&self, uri: &str) -> TestRequest {
        anonymous(uri).insert_header(("authorization", self.bearer()))
    }

    /// All requests on the audit log, oldest first.
    pub async fn requests(&self) -> Vec<RequestRecord> {
        self.keys.flush().await.unwrap();
        let query = AuditQuery::new(self.org.clone(), 10_000).action(Action::Request);
        let page = self.manage().audit(query).await.unwrap();
        of_this_process().leave("audit-log.txt", &format!("{:?}", page.items));
        page.items.iter().rev().map(|entry| entry.event.request().unwrap().clone()).collect()
    }

    /// How they ended: outcome and status.
    pub async fn endings(&self) -> Vec<(Outcome, Option<u16>)> {
        self.requests().await.iter().map(|request| (request.outcome.clone(), request.status)).collect()
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

/// An app with `handler` at `/`, protected.
pub async fn serving<F, Out>(
    middleware: ApiKeyMiddleware,
    handler: F,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error>
where
    F: AsyncFn() -> Out + Clone + 'static,
    Out: Responder + 'static,
{
    let handler = move || {
        let handler = handler.clone();
        async move { handler().await }
    };
    test::init_service(App::new().service(web::resource("/").wrap(middleware).to(handler))).await
}

/// A GET without a key.
pub fn anonymous(uri: &str) -> TestRequest {
    TestRequest::with_uri(uri)
}

/// A GET with these header lines.
pub fn with_lines(uri: &str, lines: &[(&str, &str)]) -> TestRequest {
    lines.iter().fold(anonymous(uri), |request, line| request.append_header(*line))
}

/// A response that was read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub denial: Option<Denial>,
    pub body: String,
}

impl Reply {
    async fn read<B: MessageBody>(response: HttpResponse<B>) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let denial = response.extensions().get::<Denial>().cloned();
        let body = body::to_bytes(response.into_body()).await.ok().unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        if status.is_client_error() || status.is_server_error() {
            of_this_process().leave("refusals.txt", &format!("{status} {headers:?} {denial:?} {body}"));
        }
        Self { status, headers, denial, body }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.get_all(name);
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

/// Sends one request. An error becomes a response, as actix's server makes it one.
pub async fn send<S, B>(app: &S, request: TestRequest) -> Reply
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    match app.call(request.to_request()).await {
        Ok(response) => Reply::read(response.into()).await,
        Err(error) => Reply::read(error.error_response()).await,
    }
}
