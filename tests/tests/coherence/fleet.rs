use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use apikeys_tests::{
    Artifacts, Database, NewDatabase, Quickstart, Request, Response, TOKEN, contract::Created,
};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

/// The length of the lease of the quickstarts, which is the default of the engine.
pub(crate) const LEASE: Duration = Duration::from_secs(2);
/// The time between two polls of an instance without an announcement of a change.
pub(crate) const QUARTER: Duration = Duration::from_millis(500);
/// The time that a call may take on a busy machine, in addition to the time that it waits for other instances.
pub(crate) const SLACK: Duration = Duration::from_secs(1);

const KEYS: &str = "/settings/developer/api/keys";

/// Several quickstarts on one database, of both frameworks in turn. Each quickstart holds a lease.
pub(crate) struct Fleet {
    pub(crate) instances: Vec<Quickstart>,
    pub(crate) artifacts: Artifacts,
    pub(crate) database: NewDatabase,
}

impl Fleet {
    /// Starts `instances` quickstarts on a new database.
    pub(crate) async fn start(name: &str, kind: Database, instances: usize) -> Arc<Self> {
        let artifacts = artifacts(name, kind);
        let database = kind.create(&artifacts).await;
        let urls = vec![database.url().to_owned(); instances];
        Self::start_on(artifacts, database, urls).await
    }

    /// Starts a quickstart for each of `urls`, which lead to the same database.
    pub(crate) async fn start_on(
        artifacts: Artifacts,
        database: NewDatabase,
        urls: Vec<String>,
    ) -> Arc<Self> {
        let mut starts = JoinSet::new();
        for (number, url) in urls.into_iter().enumerate() {
            let artifacts = artifacts.clone();
            starts.spawn(async move {
                let framework = ["axum", "actix"][number % 2];
                let environment =
                    [("DATABASE_URL", url.as_str()), ("ADMIN_TOKEN", TOKEN), ("RUST_LOG", "info")];
                let name = format!("{framework}-{number}");
                (number, Quickstart::start_with(&artifacts, framework, &name, &environment).await)
            });
        }
        let mut instances = starts.join_all().await;
        instances.sort_unstable_by_key(|(number, _)| *number);
        let instances = instances.into_iter().map(|(_, instance)| instance).collect();
        let fleet = Self { instances, artifacts, database };
        fleet.wait_for_leases().await;
        Arc::new(fleet)
    }

    /// The numbers of the instances.
    pub(crate) fn numbers(&self) -> std::ops::Range<usize> {
        0..self.instances.len()
    }

    /// Waits until each instance holds a lease.
    pub(crate) async fn wait_for_leases(&self) {
        let began = Instant::now();
        while self.database.number("SELECT COUNT(*) FROM apikeys_instances").await
            < self.instances.len() as u64
        {
            assert!(began.elapsed() < Duration::from_secs(30), "some instances do not register");
            sleep(Duration::from_millis(5)).await;
        }
        // Each of these changes returns when all other instances have acknowledged the change. An instance holds a
        // lease before it acknowledges a change.
        self.set_plan(0, "org_leases", "starter").await;
        self.set_plan(self.instances.len() - 1, "org_leases", "enterprise").await;
    }

    /// Sends a request of an administrator to an instance, and panics unless the response has the status `status`.
    pub(crate) async fn manage(&self, instance: usize, org: &str, request: Request, status: u16) -> Response {
        let response = self.instances[instance].send(&request.admin(org)).await;
        assert_eq!(response.status, status, "{}", response.text());
        response
    }

    /// Creates a key with the highest rate limit.
    pub(crate) async fn create(&self, instance: usize, org: &str, name: &str) -> Created {
        self.create_limited(instance, org, name, 10_000).await
    }

    pub(crate) async fn create_limited(&self, instance: usize, org: &str, name: &str, limit: u32) -> Created {
        let new = json!({ "name": name, "rate_limit": limit });
        Created::read(&self.manage(instance, org, Request::post(KEYS, "").json(&new), 201).await)
    }

    pub(crate) async fn edit(&self, instance: usize, org: &str, key: &Created, body: Value) {
        self.manage(instance, org, Request::new("PATCH", path(key)).json(&body), 200).await;
    }

    pub(crate) async fn delete(&self, instance: usize, org: &str, key: &Created) {
        self.manage(instance, org, Request::new("DELETE", path(key)), 204).await;
    }

    pub(crate) async fn set_plan(&self, instance: usize, org: &str, plan: &str) {
        let request = Request::new("PUT", "/demo/plan").json(&json!({ "plan": plan }));
        self.manage(instance, org, request, 204).await;
    }

    /// Sends a request with a key to an instance.
    pub(crate) async fn call(&self, instance: usize, key: &Created) -> Response {
        self.instances[instance].send(&whoami(key)).await
    }

    /// Sends a request with a key to each instance, and panics unless each response has this status and, if it is a
    /// denial, this code.
    pub(crate) async fn assert_responses(&self, key: &Created, status: u16, code: Option<&str>) {
        for instance in self.numbers() {
            let response = self.call(instance, key).await;
            assert_response(&response, status, code);
        }
    }

    /// Panics unless each instance in `instances` admits requests with a key in its memory without reading the store.
    /// While the table of secrets has another name, each read of a key fails.
    pub(crate) async fn assert_keys_in_memory_are_used(&self, instances: impl IntoIterator<Item = usize>) {
        let org = "org_enterprise";
        let [used, unused] = [self.create(0, org, "used").await, self.create(0, org, "unused").await];
        self.wait_until_applied().await;
        let instances: Vec<_> = instances.into_iter().collect();
        for instance in &instances {
            assert_response(&self.call(*instance, &used).await, 200, None);
        }
        self.database.execute("ALTER TABLE apikeys_secrets RENAME TO hidden").await;
        for instance in &instances {
            assert_response(&self.call(*instance, &used).await, 200, None);
            let response = self.call(*instance, &unused).await;
            assert_response(&response, 503, Some("VERIFICATION_UNAVAILABLE"));
        }
        self.database.execute("ALTER TABLE hidden RENAME TO apikeys_secrets").await;
        for instance in &instances {
            assert_response(&self.call(*instance, &unused).await, 200, None);
        }
    }

    /// Waits until each instance has applied all changes so far, including its own changes. Until the next change, no
    /// instance then drops a key from its memory.
    pub(crate) async fn wait_until_applied(&self) {
        let query = "SELECT COUNT(*) FROM apikeys_instances \
                     WHERE applied < (SELECT MAX(revision) FROM apikeys_changes)";
        let began = Instant::now();
        while self.database.number(query).await > 0 {
            assert!(began.elapsed() < Duration::from_secs(30), "some instances do not apply the changes");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until `requests` requests of each key are recorded. An instance that is stopped afterwards is not in the
    /// middle of recording them.
    pub(crate) async fn wait_until_recorded<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k Created>,
        requests: usize,
    ) {
        for key in keys {
            let began = Instant::now();
            while self.request_count(key).await < requests as u64 {
                assert!(began.elapsed() < Duration::from_secs(30), "the requests are not recorded");
                sleep(Duration::from_millis(5)).await;
            }
        }
    }

    async fn request_count(&self, key: &Created) -> u64 {
        let view = self.manage(0, "org_enterprise", Request::get(path(key)), 200).await;
        view.json()["request_count"].as_u64().unwrap()
    }

    /// Prints a result and writes the result to a file in the folder of the test.
    #[expect(clippy::print_stderr, reason = "times are read by people")]
    pub(crate) fn report(&self, result: &str) {
        eprintln!("{:?}, instances: {}; {result}", self.database.kind(), self.instances.len());
        self.artifacts.leave("results.txt", result);
    }

    /// Stops all instances, one after the other.
    pub(crate) async fn stop(self: Arc<Self>) {
        let fleet = Arc::into_inner(self).expect("nothing else uses the instances");
        for instance in fleet.instances {
            assert!(instance.stop().await.success());
        }
    }
}

/// Returns the folder of a test.
pub(crate) fn artifacts(name: &str, kind: Database) -> Artifacts {
    Artifacts::new(&format!("coherence-{name}-{kind:?}").to_lowercase())
}

/// The path of a key in the management API.
pub(crate) fn path(key: &Created) -> String {
    format!("{KEYS}/{}", key.id)
}

pub(crate) fn whoami(key: &Created) -> Request {
    Request::get("/v1/whoami").bearer(&key.secret)
}

#[track_caller]
pub(crate) fn assert_response(response: &Response, status: u16, code: Option<&str>) {
    assert_eq!(response.status, status, "{}", response.text());
    if let Some(code) = code {
        assert_eq!(response.json()["code"], code);
    }
}
