use std::sync::Arc;

use apikeys_core::{
    Actor, ApiKeys, AuditEvent, KeyId, KeyStore, NewKey, OrgId, PlanName,
    audit::Action,
    engine::{Builder, KeyManager, ManagedKey},
    store::AuditQuery,
};
use apikeys_example_shared::PREFIX;
use apikeys_sqlx_store::SqliteStore;
use apikeys_test_leftovers::note_secret;

use crate::NewDatabase;

/// Manages the keys of all organizations, through an engine on a given store.
///
/// On the database of a running quickstart, the engine is another instance.
#[derive(Debug, Clone)]
pub struct Admin {
    keys: ApiKeys,
}

/// A key with its secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Issued {
    /// The key.
    pub id: KeyId,
    /// The organization that owns the key.
    pub org: OrgId,
    /// The secret of the key.
    pub secret: String,
}

impl Admin {
    /// Opens the SQLite database that a quickstart uses, or will use.
    pub async fn on_sqlite(url: &str) -> Self {
        Self::on(Arc::new(SqliteStore::connect(url).await.unwrap()), |builder| builder).await
    }

    /// Opens the database that a quickstart uses, or will use.
    pub async fn on_database(database: &NewDatabase) -> Self {
        Self::on(database.connect().await, |builder| builder).await
    }

    /// Builds an engine on `store`, with maintenance.
    pub async fn on(store: Arc<dyn KeyStore>, with: impl FnOnce(Builder) -> Builder) -> Self {
        let (keys, maintenance) = with(ApiKeys::builder(store).prefix(PREFIX)).build().await.unwrap();
        tokio::spawn(maintenance.run());
        Self { keys }
    }

    /// The engine.
    #[must_use]
    pub fn keys(&self) -> &ApiKeys {
        &self.keys
    }

    /// Returns the manager of an organization's keys.
    #[must_use]
    pub fn manage(&self, org: &str) -> KeyManager {
        self.keys.manage(OrgId::new(org).unwrap(), Actor::new("test").unwrap())
    }

    /// Puts an organization on a plan.
    pub async fn set_plan(&self, org: &str, plan: &str) {
        let operator = self.keys.operator(Actor::new("test").unwrap());
        operator.set_plan(OrgId::new(org).unwrap(), PlanName::new(plan).unwrap()).await.unwrap();
    }

    /// Creates a key, and registers its secret for the search for leaked secrets.
    pub async fn issue(&self, org: &str, name: &str, with: impl FnOnce(NewKey) -> NewKey) -> Issued {
        let new = with(NewKey::new(name).unwrap());
        let created = self.manage(org).create(new).await.unwrap();
        note_secret(created.secret.display_prefix(), created.secret.expose());
        let key = &created.key;
        Issued { id: key.id(), org: key.org().clone(), secret: created.secret.expose().to_owned() }
    }

    /// Returns the current state of a key, with its counters.
    pub async fn view(&self, key: &Issued) -> ManagedKey {
        self.manage(key.org.as_str()).get(key.id).await.unwrap()
    }

    /// Returns all recorded requests of a key, oldest first.
    pub async fn requests(&self, key: &Issued) -> Vec<AuditEvent> {
        let mut query = AuditQuery::new(key.org.clone(), 1_000).key(key.id).action(Action::Request);
        let mut events = Vec::new();
        loop {
            let page = self.manage(key.org.as_str()).audit(query.clone()).await.unwrap();
            events.extend(page.items.into_iter().map(|entry| entry.event));
            if page.next.is_none() {
                break;
            }
            query = query.after(page.next);
        }
        events.reverse();
        events
    }
}
