//! Data and helper functions for tests of any store.
#![allow(dead_code, reason = "each test binary uses some of the functions")]

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use apikeys_sqlx_store::apikeys_core::{
    Actor, KeyId, KeyName, OrgId, PlanName, RequestMeta, Timestamp,
    audit::{Action, AuditEvent, Detail, Outcome, RequestRecord},
    id::{ChangeId, EventId, WriterId},
    store::{Batch, Change, ChangeKind, CommitOutcome, KeyRow, KeyStore, SecretRow, StoredPlan},
    token::{Locator, Scheme},
};

/// 2030-01-01T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_893_456_000_000_000);

/// Returns sixteen bytes that are unique across processes. They sort after all bytes that this process made
/// before.
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
    let mut row =
        KeyRow::new(KeyId::from_bytes(bytes()), org.clone(), name, "acme_live_0123".to_owned(), NOW, actor);
    // A key with an expiration has a row in each table.
    row.expires_at = Some(NOW.saturating_add(Duration::from_secs(30 * 86_400)));
    row.expiry_set_at = Some(NOW);
    row
}

pub(crate) fn secret(key: KeyId) -> SecretRow {
    SecretRow::new(Locator::new(Scheme::Sha256, bytes()), key, NOW)
}

pub(crate) fn event(org: &OrgId, key: Option<KeyId>, action: Action) -> AuditEvent {
    let mut event = AuditEvent::new(EventId::from_bytes(bytes()), NOW, org.clone(), action);
    event.key = key;
    event
}

/// Returns a change with one event.
pub(crate) fn change(kind: ChangeKind, action: Action) -> Change {
    let mut change = Change::new(ChangeId::from_bytes(bytes()), kind, Vec::new());
    change.events.push(event(change.org(), change.key(), action));
    change
}

/// Returns a creation. If the organization is not stored, the creation stores it on the plan `starter`.
pub(crate) fn creation(row: &KeyRow, secret: &SecretRow, expected: Option<StoredPlan>) -> Change {
    let plan = PlanName::new("starter").unwrap();
    let (row, secrets) = (row.clone(), vec![secret.clone()]);
    change(ChangeKind::Create { row, secrets, plan, expected, max_keys: None }, Action::KeyCreated)
}

/// Creates a key in the store.
pub(crate) async fn create(store: &impl KeyStore, org: &OrgId) -> (KeyRow, SecretRow) {
    let row = row(org);
    let secret = secret(row.id);
    let expected = store.org(org).await.unwrap().map(|row| row.stored_plan());
    done(store, &creation(&row, &secret, expected)).await;
    (row, secret)
}

pub(crate) async fn done(store: &impl KeyStore, change: &Change) {
    let committed = store.commit(change).await.unwrap();
    assert!(matches!(committed, CommitOutcome::Done { .. }), "{committed:?}");
}

/// Returns the event of an admitted request.
pub(crate) fn request(row: &KeyRow) -> AuditEvent {
    let mut event = event(&row.org, Some(row.id), Action::Request);
    let meta = RequestMeta::new("GET", "/v1/items");
    event.detail = Detail::Request(RequestRecord::new(meta, Outcome::Answered, Duration::from_millis(2)));
    event
}

/// Opens a writer.
pub(crate) async fn writer(store: &impl KeyStore) -> WriterId {
    let writer = WriterId::from_bytes(bytes());
    store.open_writer(writer).await.unwrap();
    writer
}

pub(crate) fn batch(writer: WriterId, sequence: u64, row: &KeyRow, requests: usize) -> Batch {
    Batch::new(writer, sequence, (0..requests).map(|_| request(row)).collect())
}

pub(crate) fn forgetting(org: &OrgId) -> Change {
    change(ChangeKind::ForgetOrg { org: org.clone() }, Action::OrganizationForgotten)
}

pub(crate) fn deletion(row: &KeyRow) -> Change {
    change(ChangeKind::Delete { org: row.org.clone(), key: row.id }, Action::KeyDeleted)
}
