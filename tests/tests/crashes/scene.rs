use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use apikeys_core::{AuditEvent, RateLimit};
use apikeys_tests::{Admin, Artifacts, Issued, Load, Quickstart, Seen};

/// Clients of a load. They send one request after the other, so they keep both cores busy.
const CLIENTS: usize = 4;

/// A database with an organization without limits, and the quickstart that is run on it.
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

    /// A new key with the highest limit there is.
    pub(crate) async fn key(&self, name: &str) -> Issued {
        let limit = RateLimit::per_minute(10_000).unwrap();
        self.admin.issue("org_enterprise", name, |key| key.rate_limit(limit)).await
    }

    /// A new key for each client of a load.
    pub(crate) async fn keys(&self, name: &str) -> Vec<Issued> {
        let mut keys = Vec::new();
        for number in 0..CLIENTS {
            keys.push(self.key(&format!("{name} {number}")).await);
        }
        keys
    }

    /// Starts the quickstart. It logs enough to be searched, but not every statement of a load.
    pub(crate) async fn start(&self, name: &str) -> Quickstart {
        let filter = "trace,sqlx=info,hyper_util=info,mio=info,axum=info";
        let environment = [("DATABASE_URL", self.url.as_str()), ("RUST_LOG", filter)];
        Quickstart::start_with(&self.artifacts, &self.framework, name, &environment).await
    }

    /// The requests on the log, by their ids. Panics if one is on it twice, or if a key's counters
    /// disagree with it.
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
                assert!(all.insert(id, event).is_none(), "a request is on the log twice");
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

/// Waits until a load has been given so many answers.
pub(crate) async fn answers_reach(load: &Load, number: usize) {
    let start = Instant::now();
    while load.answered() < number {
        assert!(start.elapsed() < Duration::from_secs(60), "{} answers in a minute", load.answered());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The requests that were answered, and when. Panics if an answer was not the expected one.
pub(crate) fn answers(seen: &[Seen]) -> impl Iterator<Item = (&str, Instant)> {
    seen.iter().filter_map(|seen| {
        let (at, status) = seen.answer?;
        assert_eq!(status, 200);
        Some((seen.request_id.as_str(), at))
    })
}
