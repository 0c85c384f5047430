use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use apikeys_core::{AuditEvent, RateLimit};
use apikeys_tests::{Admin, Artifacts, Issued, Load, Quickstart, Seen};

/// The number of clients under load. They send one request after the other, which keeps two processors busy.
const CLIENTS: usize = 4;

/// A database with an organization on the plan `enterprise`, for quickstarts of one framework.
pub(crate) struct Scene {
    pub(crate) artifacts: Artifacts,
    pub(crate) admin: Admin,
    pub(crate) url: String,
    framework: String,
}

impl Scene {
    pub(crate) async fn new(framework: &str, name: &str) -> Self {
        let artifacts = Artifacts::new(&format!("{name}-{framework}"));
        let url = artifacts.sqlite_url("keys");
        let admin = Admin::on_sqlite(&url).await;
        admin.set_plan("org_enterprise", "enterprise").await;
        Self { artifacts, admin, url, framework: framework.to_owned() }
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
        let filter = "trace,sqlx=info,hyper_util=info,mio=info,axum=info";
        let environment = [("DATABASE_URL", self.url.as_str()), ("RUST_LOG", filter)];
        Quickstart::start_with(&self.artifacts, &self.framework, name, &environment).await
    }

    /// Returns the recorded requests by their ids. Panics if a request is recorded twice, or if the counters of a key
    /// do not match the events.
    pub(crate) async fn recorded(&self, keys: &[Issued]) -> HashMap<String, AuditEvent> {
        let mut all = HashMap::new();
        for key in keys {
            let events = self.admin.requests(key).await;
            let view = self.admin.view(key).await;
            let admitted = events.iter().filter(|event| event.request().unwrap().outcome.is_admitted());
            assert_eq!(admitted.count() as u64, view.request_count(), "request count and log");
            assert_eq!(view.last_used_at(), events.iter().map(|event| event.at).max(), "last use and log");
            for event in events {
                let id = event.request().unwrap().meta.request_id().unwrap().to_string();
                assert!(all.insert(id, event).is_none(), "a request is recorded twice");
            }
        }
        all
    }

    pub(crate) async fn assert_intact(&self) {
        use sqlx::{Connection, Row};
        let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
        let row = sqlx::query("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
        assert_eq!(row.get::<String, _>(0), "ok");
        connection.close().await.unwrap();
    }
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
