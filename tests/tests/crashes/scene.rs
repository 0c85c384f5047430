use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use apikeys_core::{AuditEvent, RateLimit};
use apikeys_test_servers::PrivateServer;
use apikeys_tests::{Admin, Artifacts, Database, Issued, Load, NewDatabase, Quickstart, Seen, TOKEN};

/// The number of clients under load. They send one request after the other, which keeps two processors busy.
const CLIENTS: usize = 4;

/// A database with an organization on the plan `enterprise`, for quickstarts of one framework.
pub(crate) struct Scene {
    pub(crate) artifacts: Artifacts,
    pub(crate) admin: Admin,
    pub(crate) database: NewDatabase,
    framework: String,
}

impl Scene {
    pub(crate) async fn new(framework: &str, name: &str, kind: Database) -> Self {
        let artifacts = artifacts(framework, name, kind);
        let database = kind.create(&artifacts).await;
        Self::on(framework, artifacts, database).await
    }

    /// Creates a scene in a server that the test may kill.
    pub(crate) async fn in_server(
        framework: &str,
        name: &str,
        kind: Database,
        server: &PrivateServer,
    ) -> Self {
        let database = kind.create_in(server).await;
        Self::on(framework, artifacts(framework, name, kind), database).await
    }

    async fn on(framework: &str, artifacts: Artifacts, database: NewDatabase) -> Self {
        let admin = Admin::on_database(&database).await;
        admin.set_plan("org_enterprise", "enterprise").await;
        Self { artifacts, admin, database, framework: framework.to_owned() }
    }

    /// Creates a key with the highest rate limit.
    pub(crate) async fn key(&self, name: &str) -> Issued {
        let limit = RateLimit::per_minute(10_000).unwrap();
        self.admin.issue("org_enterprise", name, |key| key.rate_limit(limit)).await
    }

    /// Creates a key for each client.
    pub(crate) async fn keys(&self, name: &str) -> Vec<Issued> {
        let mut keys = Vec::new();
        for number in 0..CLIENTS {
            keys.push(self.key(&format!("{name} {number}")).await);
        }
        keys
    }

    /// Starts the quickstart. Its log has the level TRACE, but not for each statement.
    pub(crate) async fn start(&self, name: &str) -> Quickstart {
        self.start_with_cache(name, "on").await
    }

    /// Starts the quickstart like [`start`](Self::start), with a value of its setting `CACHE`.
    pub(crate) async fn start_with_cache(&self, name: &str, cache: &str) -> Quickstart {
        let filter = "trace,sqlx=info,hyper_util=info,mio=info,axum=info";
        let url = self.database.url_of_service();
        let environment =
            [("DATABASE_URL", url.as_str()), ("RUST_LOG", filter), ("ADMIN_TOKEN", TOKEN), ("CACHE", cache)];
        Quickstart::start_with(&self.artifacts, &self.framework, name, &environment).await
    }

    /// Returns the recorded admitted requests by their ids. Panics if a request is recorded twice, or if the counters of a key
    /// do not match the events.
    pub(crate) async fn recorded(&self, keys: &[Issued]) -> HashMap<String, AuditEvent> {
        let mut all = HashMap::new();
        for key in keys {
            let events = self.admin.requests(key).await;
            let view = self.admin.view(key).await;
            let is_admitted = |event: &AuditEvent| event.request().unwrap().outcome.is_admitted();
            let admitted: Vec<_> = events.into_iter().filter(is_admitted).collect();
            assert_eq!(admitted.len() as u64, view.request_count(), "request count and log");
            assert_eq!(view.last_used_at(), admitted.iter().map(|event| event.at).max(), "last use and log");
            for event in admitted {
                let id = event.request().unwrap().meta.request_id().unwrap().to_string();
                assert!(all.insert(id, event).is_none(), "a request is recorded twice");
            }
        }
        all
    }

    /// Call this after a quickstart was killed. A server can still execute what the killed process has sent, so the
    /// method waits until the server has noticed the end of its connections.
    pub(crate) async fn killed(&self) {
        self.artifacts.keep_copy("keys");
        self.database.assert_intact().await;
        self.database.wait_for_the_end_of_the_service().await;
    }
}

fn artifacts(framework: &str, name: &str, kind: Database) -> Artifacts {
    Artifacts::new(&format!("{name}-{framework}-{kind:?}").to_lowercase())
}

/// The secrets of keys, for the clients of a [`Load`].
pub(crate) fn secrets(keys: &[Issued]) -> impl Iterator<Item = String> {
    keys.iter().map(|key| key.secret.clone())
}

/// Waits until clients got this number of responses.
pub(crate) async fn answers_reach(load: &Load, number: usize) {
    let start = Instant::now();
    while load.answered() < number {
        assert!(start.elapsed() < Duration::from_secs(60), "{} answers in a minute", load.answered());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Returns the answered requests with the times of the responses. Panics if a status is not 200.
pub(crate) fn answers(seen: &[Seen]) -> impl Iterator<Item = (&str, Instant)> {
    seen.iter().filter_map(|seen| {
        let (at, status) = seen.answer?;
        assert_eq!(status, 200);
        Some((seen.request_id.as_str(), at))
    })
}
