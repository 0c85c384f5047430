use std::time::{Duration, SystemTime, UNIX_EPOCH};

use apikeys_core::Timestamp;
use apikeys_test_leftovers::note_secret;
use serde_json::{Value, json};

use super::{Service, service::MOUNT};
use crate::{Request, Response};

/// An organization of a service under test, through the management API.
#[derive(Debug, Clone, Copy)]
pub struct Org<'s> {
    service: &'s Service,
    name: &'static str,
}

/// A created key with its secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Created {
    /// The id of the key.
    pub id: String,
    /// The secret that a caller sends.
    pub secret: String,
    /// The member `key` of the response to the creation.
    pub key: Value,
}

impl<'s> Org<'s> {
    pub(crate) fn new(service: &'s Service, name: &'static str) -> Self {
        Self { service, name }
    }

    /// Returns a request to the management API with the login headers. `path` is below `/api`.
    #[must_use]
    pub fn request(&self, method: &'static str, path: &str) -> Request {
        self.log_in(Request::new(method, format!("{MOUNT}/api{path}")))
    }

    /// Adds the login headers to a request.
    #[must_use]
    pub fn log_in(&self, request: Request) -> Request {
        request.admin(self.name)
    }

    /// Sends a request without a body.
    pub async fn call(&self, method: &'static str, path: &str) -> Response {
        self.service.send(&self.request(method, path)).await
    }

    /// Sends a request with a body.
    pub async fn call_with(&self, method: &'static str, path: &str, body: &Value) -> Response {
        self.service.send(&self.request(method, path).json(body)).await
    }

    /// Returns the response to `GET`, which must be 200.
    pub async fn get(&self, path: &str) -> Value {
        let response = self.call("GET", path).await;
        assert_eq!(response.status, 200, "{path}: {}", response.text());
        response.json()
    }

    /// Creates a key with this body.
    pub async fn create(&self, body: Value) -> Created {
        let response = self.call_with("POST", "/keys", &body).await;
        assert_eq!(response.status, 201, "{body}: {}", response.text());
        Created::read(&response)
    }

    /// Creates a key with the highest rate limit.
    pub async fn create_busy(&self, name: &str) -> Created {
        self.create(json!({ "name": name, "rate_limit": 10_000 })).await
    }

    /// Returns the current state of a key.
    pub async fn key(&self, id: &str) -> Value {
        self.get(&format!("/keys/{id}")).await
    }

    /// Waits until a key meets a condition, and returns the key. Its counters lag a little.
    pub async fn key_once(&self, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
        self.get_once(&format!("/keys/{id}"), holds).await
    }

    /// Waits until the response to `GET` meets a condition, and returns the response. The audit log and the counters
    /// lag a little.
    pub async fn get_once(&self, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let request = self.request("GET", path);
        let mut connection = self.service.connect().await;
        for _ in 0..500 {
            if holds(&self.service.peek(&mut connection, &request).await.json()) {
                return self.get(path).await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the condition is not met by {}", self.get(path).await);
    }

    /// Changes a key and returns the changed key.
    pub async fn edit(&self, id: &str, body: Value) -> Value {
        let response = self.call_with("PATCH", &format!("/keys/{id}"), &body).await;
        assert_eq!(response.status, 200, "{body}: {}", response.text());
        response.json()
    }

    /// Deletes a key.
    pub async fn delete(&self, id: &str) {
        let response = self.call("DELETE", &format!("/keys/{id}")).await;
        assert_eq!((response.status, response.text()), (204, ""));
    }

    /// Puts the organization on a plan.
    pub async fn set_plan(&self, plan: &str) {
        let request = self.log_in(Request::new("PUT", "/demo/plan")).json(&json!({ "plan": plan }));
        let response = self.service.send(&request).await;
        assert_eq!((response.status, response.text()), (204, ""));
    }

    /// Returns all events that match `filters`, newest first. `filters` is a query, which may be empty.
    pub async fn events(&self, filters: &str) -> Vec<Value> {
        self.all("/audit", "events", filters).await
    }

    /// Returns all keys, newest first.
    pub async fn keys(&self) -> Vec<Value> {
        self.all("/keys", "keys", "limit=100").await
    }

    /// Returns the items of all pages of a list.
    async fn all(&self, path: &str, member: &str, query: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut connection = self.service.connect().await;
        let mut next = String::new();
        for _ in 0..10_000 {
            let request = self.request("GET", &format!("{path}?{query}{next}"));
            let response = self.service.send_on(&mut connection, &request).await;
            assert_eq!(response.status, 200, "{}", response.text());
            let page = response.json();
            all.extend(page[member].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => {
                    let joint = if query.is_empty() { "" } else { "&" };
                    next = format!("{joint}cursor={cursor}");
                }
                None => return all,
            }
        }
        panic!("{path} has no end");
    }
}

impl Created {
    /// Reads the response to a creation and registers the secret for the search for leaked secrets.
    #[must_use]
    pub fn read(response: &Response) -> Self {
        let answer = response.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (key, secret) = (answer["key"].clone(), text(&answer["secret"]));
        note_secret(key["prefix"].as_str().unwrap(), &secret);
        Self { id: text(&key["id"]), secret, key }
    }
}

/// Fails the case unless the response is this problem.
#[track_caller]
pub(crate) fn assert_problem(response: &Response, status: u16, code: &str) {
    assert_eq!(response.status, status, "{}", response.text());
    assert_eq!(response.json()["code"], code);
}

/// The pointers of all field errors.
pub(crate) fn pointers(response: &Response) -> Vec<String> {
    let json = response.json();
    let errors = json["errors"].as_array().unwrap().iter();
    errors.map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

/// The time `ahead` from now, in the format of the API.
pub(crate) fn in_future(ahead: Duration) -> String {
    let then = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + ahead;
    Timestamp::from_micros(i64::try_from(then.as_micros()).unwrap()).to_string()
}

/// A time after the end of every case.
pub(crate) fn in_an_hour() -> String {
    in_future(Duration::from_secs(3_600))
}

/// Parses a time for comparison. Times have different numbers of digits, so their text does not sort.
pub(crate) fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}
