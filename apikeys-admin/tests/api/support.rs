use std::{fmt, future::Future, pin::pin, sync::Arc, task::Poll, time::Duration};

use apikeys_admin::{Admin, AdminApi, AdminRequest, RequestBody};
use apikeys_core::{
    Actor, ApiKeys, ManualClock, MemoryStore, OrgId, PlanName, RequestMeta,
    conformance::faults::{FaultStore, Faults},
};
use apikeys_test_leftovers::{note_secret, of_this_process};
use serde_json::Value;

use crate::checked::check;

/// The API with an engine whose clock begins at 2030-01-01T00:00:00Z and whose store can be made to fail.
/// The administrator of `org` is `ann`, and the administrator of `other` is `bob`. Both organizations are on
/// the plan Enterprise.
pub(crate) struct Bench {
    pub(crate) keys: ApiKeys,
    pub(crate) api: AdminApi,
    pub(crate) faults: Faults,
    /// The engine's store, into which tests write events that the engine does not write.
    pub(crate) store: Arc<FaultStore<MemoryStore>>,
    pub(crate) clock: ManualClock,
}

/// A request to send.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) admin: Option<Admin>,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn org(name: &str) -> OrgId {
    OrgId::new(name).unwrap()
}

pub(crate) fn actor(name: &str) -> Actor {
    Actor::new(name).unwrap()
}

pub(crate) fn ann() -> Admin {
    Admin::new(org("org"), actor("ann"))
}

pub(crate) fn bob() -> Admin {
    Admin::new(org("other"), actor("bob"))
}

impl Bench {
    pub(crate) async fn new() -> Self {
        of_this_process();
        let clock = ManualClock::default();
        let store = Arc::new(FaultStore::new(MemoryStore::new(), Arc::new(clock.clone())));
        let faults = store.faults().clone();
        let builder = ApiKeys::builder(Arc::clone(&store)).clock(clock.clone()).prefix("test_key");
        let (keys, _) = builder.build().await.unwrap();
        let api = AdminApi::new(keys.clone());
        let bench = Self { keys, api, faults, store, clock };
        bench.set_plan("org", "enterprise").await;
        bench.set_plan("other", "enterprise").await;
        bench
    }

    pub(crate) async fn set_plan(&self, name: &str, plan: &str) {
        let plan = PlanName::new(plan).unwrap();
        self.keys.operator(actor("billing")).set_plan(&org(name), &plan).await.unwrap();
    }

    /// Sends a request and checks the response against the OpenAPI document.
    pub(crate) async fn send(&self, ask: Ask) -> Reply {
        let headers: Vec<_> =
            ask.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let request = AdminRequest {
            method: &ask.method,
            mount: "/settings/developer",
            path: &ask.path,
            query: ask.query.as_deref(),
            headers: headers.as_slice(),
            body: RequestBody::Read(&ask.body),
        };
        let response = self.api.handle(ask.admin.as_ref(), request).await;
        let reply = Reply { status: response.status, headers: response.headers, body: response.body };
        check(&ask, &reply);
        reply.leave();
        reply
    }

    /// Sends a request that must succeed and returns the body of the response.
    pub(crate) async fn json(&self, ask: Ask) -> Value {
        let what = format!("{ask:?}");
        let reply = self.send(ask).await;
        assert!(reply.status < 300, "{what}: {reply:?}");
        reply.json()
    }

    /// Creates a key and returns the response, which holds the secret.
    pub(crate) async fn create(&self, name: &str) -> Value {
        self.json(post("/api/keys").json(&serde_json::json!({ "name": name }))).await
    }

    /// Verifies a request with a key and returns whether the request was admitted. The audit log contains the
    /// request when this function returns.
    pub(crate) async fn call(&self, created: &Value) -> bool {
        self.call_as(created, RequestMeta::new("GET", "/v1/items")).await
    }

    pub(crate) async fn call_as(&self, created: &Value, meta: RequestMeta) -> bool {
        let secret = created["secret"].as_str().unwrap();
        let admitted = match self.keys.verify(secret.as_bytes(), meta).await {
            Ok(admission) => admission.finish(200).await.is_ok(),
            Err(_) => false,
        };
        self.keys.flush().await.unwrap();
        admitted
    }

    /// Advances the clock until `future` is ready.
    pub(crate) async fn pass_time_until<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        for _ in 0..2_000 {
            let polled = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
            if let Poll::Ready(done) = polled {
                return done;
            }
            self.clock.advance(Duration::from_millis(25)).await;
        }
        panic!("still waiting");
    }
}

/// Creates a request of `ann`.
pub(crate) fn ask(method: &str, path: &str) -> Ask {
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (path, None),
    };
    Ask {
        admin: Some(ann()),
        method: method.to_owned(),
        path: path.to_owned(),
        query,
        headers: Vec::new(),
        body: Vec::new(),
    }
}

pub(crate) fn get(path: &str) -> Ask {
    ask("GET", path)
}

pub(crate) fn post(path: &str) -> Ask {
    ask("POST", path)
}

pub(crate) fn patch(path: &str) -> Ask {
    ask("PATCH", path)
}

pub(crate) fn delete(path: &str) -> Ask {
    ask("DELETE", path)
}

impl Ask {
    pub(crate) fn admin(mut self, admin: Admin) -> Self {
        self.admin = Some(admin);
        self
    }

    pub(crate) fn without_login(mut self) -> Self {
        self.admin = None;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        let mut ask = self.header("content-type", "application/json");
        ask.body = body.into();
        ask
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }
}

impl Reply {
    /// Writes the response to a file that is searched for secrets later. Notes the secret of a new key.
    fn leave(&self) {
        let issued: Option<Value> = serde_json::from_slice(&self.body).ok().filter(|_| self.status == 201);
        match issued {
            Some(created) => {
                let prefix = created["key"]["prefix"].as_str().unwrap();
                note_secret(prefix, created["secret"].as_str().unwrap());
            }
            None => of_this_process().leave("responses.txt", &format!("{self:?}")),
        }
    }

    pub(crate) fn json(&self) -> Value {
        if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body).unwrap() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }

    /// Returns the status and the code of the problem. The code is `none` if the body is not a problem.
    pub(crate) fn problem(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or("none").to_owned())
    }

    /// Returns the pointers of all field errors.
    pub(crate) fn pointers(&self) -> Vec<String> {
        let json = self.json();
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    }
}

pub(crate) fn problem(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// Returns the path of a key. `key` is the key, or the response to its creation.
pub(crate) fn path(key: &Value) -> String {
    let id = key["key"]["id"].as_str().or(key["id"].as_str()).unwrap();
    format!("/api/keys/{id}")
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
            .collect();
        let org = self.admin.as_ref().map(|admin| admin.org.as_str());
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {}?{:?} {headers:?} by {org:?}: {body}", self.method, self.path, self.query)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.status, self.headers, String::from_utf8_lossy(&self.body))
    }
}
