use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::AnyHarness;
use crate::{
    Timestamp,
    audit::{Action, AuditEntry, AuditEvent, Detail, Outcome, RequestMeta, RequestRecord},
    denial::DenialCode,
    id::{Actor, ChangeId, EventId, KeyId, OrgId, WriterId, with_time},
    key::KeyName,
    plan::PlanName,
    store::{
        AuditQuery, Batch, Change, ChangeKind, CommitOutcome, FoundKey, KeyQuery, KeyRow, KeyStore, KeyView,
        OrgNumber, RecordOutcome, Revision, SecretRow, StoreErrorKind, StoredPlan,
    },
    token::{Fingerprint, Locator, Scheme},
};

/// 2030-01-01T00:00:00Z, the time of most keys and events in the suite.
pub(super) const NOW: Timestamp = Timestamp::from_micros(1_893_456_000_000_000);

/// The latency of the suite's requests.
const LATENCY: Duration = Duration::from_micros(1_234);

/// A new store, with methods that make the data to store.
pub(super) struct Fixture {
    store: Arc<dyn KeyStore>,
    supports_purge: bool,
    made: AtomicU64,
}

impl Fixture {
    pub(super) async fn open(harness: &dyn AnyHarness) -> Self {
        let (store, supports_purge) = (harness.open().await, harness.supports_purge());
        Self { store, supports_purge, made: AtomicU64::new(1) }
    }

    /// Returns a pointer to the store, for tasks that run concurrently.
    pub(super) fn shared(&self) -> Arc<dyn KeyStore> {
        Arc::clone(&self.store)
    }

    /// Returns sixteen bytes that are greater than all bytes that were returned before.
    pub(super) fn bytes(&self) -> [u8; 16] {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        with_time(NOW.as_micros().unsigned_abs() + number, [0x7f; 16])
    }

    /// Returns the row of a new key.
    pub(super) fn row(&self, org: &OrgId) -> KeyRow {
        let id = KeyId::from_bytes(self.bytes());
        KeyRow::new(id, org.clone(), name("CI"), "acme_live_0123".to_owned(), NOW, actor("admin"))
    }

    /// Returns a new secret of a key.
    pub(super) fn secret(&self, key: KeyId) -> SecretRow {
        SecretRow::new(self.locator(Scheme::Sha256), key, NOW)
    }

    /// Returns a locator that was not returned before.
    pub(super) fn locator(&self, scheme: Scheme) -> Locator {
        let digest = Fingerprint::of(&format!("{:?}", self.bytes()));
        Locator::new(scheme, *digest.as_bytes())
    }

    /// Returns a new event.
    pub(super) fn event(&self, org: &OrgId, key: Option<KeyId>, action: Action) -> AuditEvent {
        let mut event = AuditEvent::new(EventId::from_bytes(self.bytes()), NOW, org.clone(), action);
        event.key = key;
        event.actor = Some(actor("admin"));
        event
    }

    /// Returns the event of a request with a key.
    pub(super) fn request(&self, row: &KeyRow, at: Timestamp, outcome: Outcome) -> AuditEvent {
        let mut record = RequestRecord::new(RequestMeta::new("GET", "/v1/items"), outcome, LATENCY);
        match record.outcome {
            Outcome::Answered => record.status = Some(200),
            Outcome::Denied => {
                (record.status, record.denial) = (Some(429), Some(DenialCode::RateLimited));
            }
            Outcome::Aborted | Outcome::Started | Outcome::Other(_) => {}
        }
        let mut event = self.event(&row.org, Some(row.id), Action::Request);
        (event.at, event.actor, event.detail) = (at, None, Detail::Request(record));
        event
    }

    /// Returns an event that represents `count` denials.
    pub(super) fn denials(&self, row: &KeyRow, at: Timestamp, count: u32) -> AuditEvent {
        let mut event = self.request(row, at, Outcome::Denied);
        if let Detail::Request(record) = &mut event.detail {
            record.count = Some(count);
        }
        event
    }

    /// Opens a new writer and returns its id.
    pub(super) async fn writer(&self) -> WriterId {
        let writer = WriterId::from_bytes(self.bytes());
        self.store.open_writer(writer).await.expect("open_writer");
        writer
    }

    pub(super) async fn record(&self, batch: &Batch) -> RecordOutcome {
        self.store.record(batch).await.expect("record")
    }

    /// Records events as the first batch of a new writer.
    pub(super) async fn recorded(&self, events: Vec<AuditEvent>) {
        let batch = Batch::new(self.writer().await, 1, events);
        assert_eq!(self.record(&batch).await, RecordOutcome::Applied);
    }

    /// Returns a change with one event, as the engine makes them.
    pub(super) fn change(&self, kind: ChangeKind) -> Change {
        let action = match &kind {
            ChangeKind::Create { .. } => Action::KeyCreated,
            ChangeKind::Update { .. } => Action::KeyUpdated,
            ChangeKind::Delete { .. } => Action::KeyDeleted,
            ChangeKind::SetPlan { .. } => Action::PlanChanged,
            ChangeKind::ForgetOrg { .. } => Action::OrganizationForgotten,
        };
        let mut change = Change::new(ChangeId::from_bytes(self.bytes()), kind, Vec::new());
        change.events.push(self.event(change.org(), change.key(), action));
        change
    }

    pub(super) async fn submit(&self, change: &Change) -> CommitOutcome {
        self.store.commit(change).await.expect("commit")
    }

    /// Returns a change like [`change`](Self::change). A plan that the change expects gets the number that the
    /// organization has now.
    pub(super) async fn prepared(&self, kind: ChangeKind) -> Change {
        number(&*self.store, self.change(kind)).await
    }

    /// Commits a new change that is [`prepared`](Self::prepared). If the change is a creation and its
    /// organization is not stored, the creation expects an organization that is not stored, like the engine's
    /// creations.
    pub(super) async fn attempt(&self, mut kind: ChangeKind) -> CommitOutcome {
        if let ChangeKind::Create { row, .. } = &kind
            && self.store.org(&row.org).await.expect("org").is_none()
        {
            kind = first(kind);
        }
        self.submit(&self.prepared(kind).await).await
    }

    /// Commits a new change that must succeed, and returns its revision.
    pub(super) async fn done(&self, kind: ChangeKind) -> Revision {
        match self.attempt(kind.clone()).await {
            CommitOutcome::Done { revision } => revision,
            other => panic!("{kind:?} came to {other:?}"),
        }
    }

    /// Stores a new key with one secret, on the plan `starter` without a quota.
    pub(super) async fn create(&self, org: &OrgId) -> (KeyRow, SecretRow) {
        let row = self.row(org);
        let secret = self.secret(row.id);
        self.done(create(&row, std::slice::from_ref(&secret))).await;
        (row, secret)
    }

    /// Purges until nothing is left, and returns the number of rows that were removed.
    pub(super) async fn purge(&self) -> u64 {
        let mut rows = 0;
        loop {
            let purged = self.store.purge(1_000).await.expect("purge");
            rows += purged.rows;
            if !purged.more {
                return rows;
            }
        }
    }

    /// Purges until nothing is left, after an organization was forgotten. Asserts that the purge removes rows,
    /// unless the store has removed all rows when the organization was forgotten.
    pub(super) async fn purge_forgotten(&self) {
        let rows = self.purge().await;
        assert_eq!(
            rows > 0,
            self.supports_purge,
            "a purge removes {rows} rows, which does not fit `supports_purge`"
        );
    }

    /// Returns whether a purge removes rows.
    pub(super) const fn supports_purge(&self) -> bool {
        self.supports_purge
    }

    pub(super) async fn found(&self, locator: &Locator) -> Option<FoundKey> {
        self.store.find(std::slice::from_ref(locator)).await.expect("find")
    }

    pub(super) async fn view(&self, row: &KeyRow) -> Option<KeyView> {
        self.store.key(&row.org, row.id).await.expect("key")
    }

    /// Returns the stored number of an organization's keys, or zero if the organization is not stored.
    pub(super) async fn key_count(&self, org: &OrgId) -> u32 {
        self.store.org(org).await.expect("org").map_or(0, |row| row.key_count)
    }

    /// Returns all keys of an organization, newest first.
    pub(super) async fn all_keys(&self, org: &OrgId) -> Vec<KeyRow> {
        let page = self.store.keys(&KeyQuery::new(Some(org.clone()), 1_000)).await.expect("keys");
        assert_eq!(page.next, None, "everything fits the page");
        page.items.into_iter().map(|view| view.row).collect()
    }

    /// Returns the whole audit log of an organization, newest first.
    pub(super) async fn log(&self, org: &OrgId) -> Vec<AuditEntry> {
        let page = self.store.audit(&AuditQuery::new(org.clone(), 1_000)).await.expect("audit");
        assert_eq!(page.next, None, "everything fits the page");
        page.items
    }

    /// Returns the latest revision, which the store reports when a key to delete does not exist.
    pub(super) async fn revision(&self) -> Revision {
        let missing = ChangeKind::Delete { org: org("nobody"), key: KeyId::from_bytes([0; 16]) };
        match self.attempt(missing).await {
            CommitOutcome::NotFound { revision } => revision,
            other => panic!("deleting a key that never was came to {other:?}"),
        }
    }
}

impl Deref for Fixture {
    type Target = dyn KeyStore;

    fn deref(&self) -> &dyn KeyStore {
        &*self.store
    }
}

/// Returns `change` with the number that its organization has now, if the change expects a plan.
pub(super) async fn number(store: &dyn KeyStore, mut change: Change) -> Change {
    let stored = store.org(change.org()).await.expect("org");
    if let ChangeKind::Create { expected: Some(expected), .. }
    | ChangeKind::SetPlan { expected: Some(expected), .. } = &mut change.kind
        && let Some(stored) = stored
    {
        expected.number = stored.number;
    }
    change
}

/// Returns the cursor of the next page. Panics if the cursor does not lead to older items, because the list
/// would then never end.
pub(super) fn moved_on<C: Ord + Copy>(from: Option<C>, to: Option<C>) -> Option<C> {
    if let (Some(from), Some(to)) = (from, to) {
        assert!(to < from, "a cursor must lead to older items");
    }
    to
}

/// Returns a creation for an organization on the plan `starter`, without a quota.
pub(super) fn create(row: &KeyRow, secrets: &[SecretRow]) -> ChangeKind {
    create_within(row, secrets, None)
}

/// Returns a creation for an organization on the plan `starter`, with a quota of `max_keys`.
pub(super) fn create_within(row: &KeyRow, secrets: &[SecretRow], max_keys: Option<u32>) -> ChangeKind {
    ChangeKind::Create {
        row: row.clone(),
        secrets: secrets.to_vec(),
        plan: plan("starter"),
        expected: on("starter"),
        max_keys,
    }
}

/// Returns a change of an organization's plan. `expected` is the name of the expected plan.
pub(super) fn set_plan(org: &OrgId, to: &str, expected: Option<&str>) -> ChangeKind {
    ChangeKind::SetPlan { org: org.clone(), plan: plan(to), expected: expected.and_then(on) }
}

/// Returns a plan to expect, whose number [`Fixture::prepared`] replaces.
pub(super) fn on(text: &str) -> Option<StoredPlan> {
    Some(StoredPlan::new(OrgNumber(0), plan(text)))
}

/// Returns the same creation for an organization that is not stored.
pub(super) fn first(mut creation: ChangeKind) -> ChangeKind {
    if let ChangeKind::Create { expected, .. } = &mut creation {
        *expected = None;
    }
    creation
}

/// Returns an update to `row` from the previous version.
pub(super) fn update(row: &KeyRow) -> ChangeKind {
    let (row, expected_version) = (row.clone(), row.version - 1);
    ChangeKind::Update { row, expected_version, added: Vec::new(), dropped: Vec::new() }
}

pub(super) fn delete(row: &KeyRow) -> ChangeKind {
    ChangeKind::Delete { org: row.org.clone(), key: row.id }
}

/// Returns the next version of a row, with another name.
pub(super) fn renamed(row: &KeyRow, to: &str) -> KeyRow {
    KeyRow { name: name(to), version: row.version + 1, ..row.clone() }
}

pub(super) fn org(text: &str) -> OrgId {
    OrgId::new(text).expect("an organization's id")
}

pub(super) fn name(text: &str) -> KeyName {
    KeyName::new(text).expect("a key's name")
}

pub(super) fn plan(text: &str) -> PlanName {
    PlanName::new(text).expect("a plan's name")
}

pub(super) fn actor(text: &str) -> Actor {
    Actor::new(text).expect("an actor")
}

/// Returns whether a store refused an operation permanently.
pub(super) fn is_rejected<T: std::fmt::Debug>(result: Result<T, crate::store::StoreError>) -> bool {
    match result {
        Ok(_) => false,
        Err(error) => error.kind() == StoreErrorKind::Rejected,
    }
}
