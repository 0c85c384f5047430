//! What the tests of this crate put into a store.
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use apikeys_sqlx_store::{
    SqliteStore,
    apikeys_core::{
        Actor, KeyId, KeyName, OrgId, PlanName, RequestMeta, Timestamp,
        audit::{Action, AuditEvent, Detail, Outcome, RequestRecord},
        id::{ChangeId, EventId, WriterId},
        key::{KeyRow, SecretRow},
        store::{Batch, Change, ChangeKind, Committed, KeyStore, StoredPlan},
        token::{Locator, Scheme},
    },
};
use sqlx::{
    Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions},
};

/// 2030-01-01T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_893_456_000_000_000);

pub(crate) fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// A connection to look behind the store's back with.
pub(crate) async fn beside(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::from_secs(5));
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// A host's pool, with all defaults.
pub(crate) async fn host_pool(path: &Path) -> SqlitePool {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    SqlitePoolOptions::new().max_connections(4).connect_with(options).await.unwrap()
}

/// Sixteen bytes that no process made before, and that sort after those that this one made.
pub(crate) fn bytes() -> [u8; 16] {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let made = NOW.as_micros().unsigned_abs() + MADE.fetch_add(1, Ordering::Relaxed);
    let mut bytes = [0x7f; 16];
    bytes[..7].copy_from_slice(&made.to_be_bytes()[1..]);
    bytes[12..].copy_from_slice(&std::process::id().to_be_bytes());
    bytes
}

pub(crate) fn org(text: &str) -> OrgId {
    OrgId::new(text).unwrap()
}

pub(crate) fn row(org: &OrgId) -> KeyRow {
    let (name, actor) = (KeyName::new("CI").unwrap(), Actor::new("admin").unwrap());
    KeyRow::new(KeyId::from_bytes(bytes()), org.clone(), name, "acme_live_0123".to_owned(), NOW, actor)
}

pub(crate) fn secret(key: KeyId) -> SecretRow {
    SecretRow::new(Locator::new(Scheme::Sha256, bytes()), key, NOW)
}

pub(crate) fn event(org: &OrgId, key: Option<KeyId>, action: Action) -> AuditEvent {
    let mut event = AuditEvent::new(EventId::from_bytes(bytes()), NOW, org.clone(), action);
    event.key = key;
    event
}

/// A change with one event.
pub(crate) fn change(kind: ChangeKind, action: Action) -> Change {
    let mut change = Change::new(ChangeId::from_bytes(bytes()), kind, Vec::new());
    change.events.push(event(change.org(), change.key(), action));
    change
}

/// A creation for an organization on the plan `starter`.
pub(crate) fn creation(row: &KeyRow, secret: &SecretRow, expected: Option<StoredPlan>) -> Change {
    let plan = PlanName::new("starter").unwrap();
    let (row, secrets) = (row.clone(), vec![secret.clone()]);
    change(ChangeKind::Create { row, secrets, plan, expected, max_keys: None }, Action::KeyCreated)
}

/// Stores a new key.
pub(crate) async fn create(store: &SqliteStore, org: &OrgId) -> (KeyRow, SecretRow) {
    let row = row(org);
    let secret = secret(row.id);
    let expected = store.org(org).await.unwrap().map(|row| row.stored_plan());
    done(store, &creation(&row, &secret, expected)).await;
    (row, secret)
}

pub(crate) async fn done(store: &SqliteStore, change: &Change) {
    let committed = store.commit(change).await.unwrap();
    assert!(matches!(committed, Committed::Done { .. }), "{committed:?}");
}

/// A request that was answered.
pub(crate) fn request(row: &KeyRow) -> AuditEvent {
    let mut event = event(&row.org, Some(row.id), Action::Request);
    let meta = RequestMeta::new("GET", "/v1/items");
    event.detail = Detail::Request(RequestRecord::new(meta, Outcome::Answered, Duration::from_millis(2)));
    event
}

/// An open writer.
pub(crate) async fn writer(store: &SqliteStore) -> WriterId {
    let writer = WriterId::from_bytes(bytes());
    store.open_writer(writer).await.unwrap();
    writer
}

pub(crate) fn batch(writer: WriterId, sequence: u64, row: &KeyRow, requests: usize) -> Batch {
    Batch::new(writer, sequence, (0..requests).map(|_| request(row)).collect())
}
