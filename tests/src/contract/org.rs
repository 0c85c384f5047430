use std::time::{Duration, SystemTime, UNIX_EPOCH};

use apikeys_core::Timestamp;
use apikeys_test_leftovers::note_secret;
use serde_json::{Value, json};

use super::{
    Service,
    service::{MOUNT, TOKEN},
};
use crate::{Request, Response};

/// An organization of a service under test, as its administrator's program sees it.
#[derive(Debug, Clone, Copy)]
pub struct Org<'s> {
    service: &'s Service,
    name: &'static str,
}

/// A key that was created, with its secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Created {
    /// Its id.
    pub id: String,
    /// What its holder sends.
    pub secret: String,
    /// What the creation answered as `key`.
    pub key: Value,
}

impl<'s> Org<'s> {
    pub(crate) fn new(service: &'s Service, name: &'static str) -> Self {
        Self { service, name }
    }

    /// A request to the management API, logged in; `path` is that below `/api`.
    #[must_use]
    pub fn request(&self, method: &'static str, path: &str) -> Request {
        self.log_in(Request::new(method, format!("{MOUNT}/api{path}")))
    }

    /// Adds the login to a request.
    #[must_use]
    pub fn log_in(&self, request: Request) -> Request {
        request.line("X-Demo-Admin", TOKEN).line("X-Demo-Org", self.name)
    }

    /// Makes a call.
    pub async fn call(&self, method: &'static str, path: &str) -> Response {
        self.service.send(&self.request(method, path)).await
    }

    /// Makes a call with a body.
    pub async fn call_with(&self, method: &'static str, path: &str, body: &Value) -> Response {
        self.service.send(&self.request(method, path).json(body)).await
    }

    /// What `GET` of a path answers.
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

    /// A key, as it is now.
    pub async fn key(&self, id: &str) -> Value {
        self.get(&format!("/keys/{id}")).await
    }

    /// A key, once its counters say what is expected of them. They lag a little.
    pub async fn key_once(&self, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
        self.get_once(&format!("/keys/{id}"), holds).await
    }

    /// What `GET` of a path answers, once that is what is expected. What the audit log feeds lags
    /// a little.
    pub async fn get_once(&self, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let request = self.request("GET", path);
        let mut connection = self.service.connect().await;
        for _ in 0..500 {
            if holds(&self.service.peek(&mut connection, &request).await.json()) {
                return self.get(path).await;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it never came true of {}", self.get(path).await);
    }

    /// Edits a key, and tells what it is then.
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

    /// All events that the filters let through, newest first; `filters` is a query or nothing.
    pub async fn events(&self, filters: &str) -> Vec<Value> {
        self.all("/audit", "events", filters).await
    }

    /// All keys, newest first.
    pub async fn keys(&self) -> Vec<Value> {
        self.all("/keys", "keys", "limit=100").await
    }

    /// Follows the cursors of a list.
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
    /// Reads the answer to a creation, and notes the secret as one to be searched for.
    #[must_use]
    pub fn read(response: &Response) -> Self {
        let answer = response.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (key, secret) = (answer["key"].clone(), text(&answer["secret"]));
        note_secret(key["prefix"].as_str().unwrap(), &secret);
        Self { id: text(&key["id"]), secret, key }
    }
}

/// Fails the case unless the answer is this problem.
#[track_caller]
pub(crate) fn assert_problem(response: &Response, status: u16, code: &str) {
    assert_eq!(response.status, status, "{}", response.text());
    assert_eq!(response.json()["code"], code);
}

/// Where the mistakes are.
pub(crate) fn pointers(response: &Response) -> Vec<String> {
    let json = response.json();
    let errors = json["errors"].as_array().unwrap().iter();
    errors.map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

/// A time of the wall clock, as the API writes it.
pub(crate) fn in_future(ahead: Duration) -> String {
    let then = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + ahead;
    Timestamp::from_micros(i64::try_from(then.as_micros()).unwrap()).to_string()
}

/// A time that no case reaches.
pub(crate) fn in_an_hour() -> String {
    in_future(Duration::from_secs(3_600))
}

/// A time to compare: texts of times with fewer digits do not sort.
pub(crate) fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}
