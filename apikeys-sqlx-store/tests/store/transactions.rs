//! A write is applied completely or not at all, whichever statement fails.

use std::task::Poll;

use super::common::{
    NOW, TABLES, batch, beside, change, create, creation, done, everything, org, request, row, secret, url,
    writer,
};
use apikeys_sqlx_store::{
    SqliteStore,
    apikeys_core::{
        KeyName, PlanName,
        audit::Action,
        id::{EventId, WriterId},
        store::{
            Change, ChangeKind, CommitOutcome, KeyRow, KeyStore, RecordOutcome, SecretRow, StoreError,
            StoreErrorKind, StoredPlan,
        },
    },
};
use apikeys_test_leftovers::{Folder, note_secret};
use sqlx::{
    AssertSqlSafe, Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

/// Makes one kind of statement on one table fail.
async fn break_statement(connection: &mut SqliteConnection, table: &str, statement: &str) {
    let text = format!(
        "CREATE TRIGGER broken BEFORE {statement} ON {table}
         BEGIN SELECT RAISE(ABORT, 'words of the database'); END"
    );
    sqlx::query(AssertSqlSafe(text)).execute(connection).await.unwrap();
}

async fn mend(connection: &mut SqliteConnection) {
    sqlx::query("DROP TRIGGER broken").execute(connection).await.unwrap();
}

/// A database file with a key, its secret, counters, usage and audit events.
struct Template {
    folder: Folder,
    old: KeyRow,
    old_secret: SecretRow,
    plan: StoredPlan,
    writer: WriterId,
}

impl Template {
    async fn new() -> Self {
        let folder = Folder::new();
        let store = SqliteStore::connect(&url(&folder.path().join("template.db"))).await.unwrap();
        let (old, old_secret) = create(&store, &org("acme")).await;
        let (gone, _) = create(&store, &org("acme")).await;
        done(&store, &change(ChangeKind::Delete { org: gone.org.clone(), key: gone.id }, Action::KeyDeleted))
            .await;
        let writer = writer(&store).await;
        assert_eq!(store.record(&batch(writer, 1, &old, 3)).await.unwrap(), RecordOutcome::Applied);
        let plan = store.org(&old.org).await.unwrap().unwrap().stored_plan();
        store.close().await.unwrap();
        Self { folder, old, old_secret, plan, writer }
    }

    async fn copy(&self) -> (SqliteStore, SqliteConnection) {
        let path = self.folder.path().join("copy.db");
        for leftover in ["copy.db", "copy.db-wal", "copy.db-shm"] {
            // The files do not exist the first time.
            let _ = std::fs::remove_file(self.folder.path().join(leftover));
        }
        std::fs::copy(self.folder.path().join("template.db"), &path).unwrap();
        (SqliteStore::connect(&url(&path)).await.unwrap(), beside(&path).await)
    }

    /// One change of each kind.
    fn changes(&self) -> Vec<Change> {
        let old = &self.old;
        let new = row(&old.org);
        let mut renamed = old.clone();
        (renamed.name, renamed.version) = (KeyName::new("renamed").unwrap(), old.version + 1);
        let update = ChangeKind::Update {
            row: renamed,
            expected_version: old.version,
            added: vec![secret(old.id)],
            dropped: vec![self.old_secret.locator.clone()],
        };
        let expected = Some(self.plan.clone());
        let set_plan = ChangeKind::SetPlan {
            org: old.org.clone(),
            plan: PlanName::new("free").unwrap(),
            expected: expected.clone(),
        };
        vec![
            creation(&new, &secret(new.id), expected),
            change(update, Action::KeyUpdated),
            change(set_plan, Action::PlanChanged),
            change(ChangeKind::Delete { org: old.org.clone(), key: old.id }, Action::KeyDeleted),
            change(ChangeKind::ForgetOrg { org: old.org.clone() }, Action::OrganizationForgotten),
        ]
    }

    /// Makes each kind of statement on each table fail in turn. Returns how many of them `write` uses.
    async fn faults(&self, write: impl AsyncFn(&SqliteStore) -> Result<(), StoreError>) -> usize {
        let mut faults = 0;
        for table in TABLES {
            for statement in ["INSERT", "UPDATE", "DELETE"] {
                let (store, mut beside) = self.copy().await;
                let before = everything(&mut beside).await;
                break_statement(&mut beside, table, statement).await;
                let result = write(&store).await;
                if let Err(error) = result {
                    assert_eq!(error.kind(), StoreErrorKind::Rejected);
                    assert!(!error.to_string().contains("words"), "{error}");
                    assert_eq!(before, everything(&mut beside).await, "{statement} on {table}");
                    mend(&mut beside).await;
                    write(&store).await.unwrap();
                    faults += 1;
                }
                assert_ne!(before, everything(&mut beside).await, "{statement} on {table}");
                store.close().await.unwrap();
                beside.close().await.unwrap();
            }
        }
        faults
    }
}

#[tokio::test]
async fn change_with_a_failing_statement_changes_nothing() {
    let template = Template::new().await;
    for change in template.changes() {
        let faults = template
            .faults(async |store| {
                let committed = store.commit(&change).await?;
                assert!(matches!(committed, CommitOutcome::Done { .. }), "{committed:?}");
                Ok(())
            })
            .await;
        // A change of plan uses the fewest tables: organizations, audit events and changes.
        assert!(faults >= 3, "{faults} faults in {change:?}");
    }
}

#[tokio::test]
async fn batch_with_a_failing_statement_changes_nothing() {
    let template = Template::new().await;
    let mut batch = batch(template.writer, 2, &template.old, 3);
    // This event is in an hour and a span without rows. The other events are in an hour and a span with rows.
    let mut later = request(&template.old);
    later.at = NOW.saturating_add(std::time::Duration::from_secs(7_200));
    later.id = EventId::from_bytes([0xf0; 16]);
    batch.events.push(later);
    let faults = template
        .faults(async |store| {
            assert_eq!(store.record(&batch).await?, RecordOutcome::Applied);
            Ok(())
        })
        .await;
    // The tables are: writers, counters, usage (added and updated), audit events, spans.
    assert!(faults >= 6, "{faults} faults");
}

#[tokio::test]
async fn purge_with_a_failing_statement_changes_nothing_and_can_be_repeated() {
    let template = Template::new().await;
    let forgetting =
        change(ChangeKind::ForgetOrg { org: template.old.org.clone() }, Action::OrganizationForgotten);
    {
        let store = SqliteStore::connect(&url(&template.folder.path().join("template.db"))).await.unwrap();
        done(&store, &forgetting).await;
        store.close().await.unwrap();
    }
    let faults = template
        .faults(async |store| {
            let purged = store.purge(1_000).await?;
            assert!(purged.rows > 0 && !purged.more, "{purged:?}");
            Ok(())
        })
        .await;
    // The purge deletes from eight tables, and updates the number of secrets and the next hour.
    assert!(faults >= 10, "{faults} faults");
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_whose_future_is_dropped_is_applied_completely_or_not_at_all() {
    let folder = Folder::new();
    let path = folder.path().join("keys.db");
    let store = SqliteStore::connect(&url(&path)).await.unwrap();
    let acme = org("acme");
    create(&store, &acme).await;
    let plan = store.org(&acme).await.unwrap().map(|row| row.stored_plan());
    let mut created = 1;
    let (mut dropped, mut completed, mut undone) = (0, 0, 0);
    // How often a commit is polled until it ends differs from run to run, so that this starts again with the first
    // poll as soon as a commit has ended.
    let mut polls = 0;
    while dropped < 40 || completed < 6 {
        let new = row(&acme);
        let creation = creation(&new, &secret(new.id), plan.clone());
        let mut commit = Box::pin(store.commit(&creation));
        let mut left = polls;
        let ended = std::future::poll_fn(|context| match commit.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => {
                left -= 1;
                Poll::Pending
            }
        })
        .await;
        drop(commit);
        // The next write succeeds.
        let is_there = store.key(&acme, new.id).await.unwrap().is_some();
        let mut patch = new.clone();
        patch.version += 1;
        let update = ChangeKind::Update { row: patch, expected_version: 1, added: vec![], dropped: vec![] };
        let updated = store.commit(&change(update, Action::KeyUpdated)).await.unwrap();
        let is_there_now = matches!(updated, CommitOutcome::Done { .. });
        assert!(is_there_now || !is_there);
        if let Some(result) = ended {
            assert!(matches!(result, Ok(CommitOutcome::Done { .. })), "{result:?}");
            assert!(is_there_now);
            completed += 1;
            polls = 0;
        } else {
            dropped += 1;
            undone += u32::from(!is_there_now);
            polls += 1;
        }
        created += u32::from(is_there_now);
        let counted = store.org(&acme).await.unwrap().unwrap().key_count;
        assert_eq!(counted, created, "{dropped} dropped, {completed} completed");
    }
    assert!(undone > 0, "each of {dropped} dropped commits was applied");
    let mut beside = beside(&path).await;
    let rows = sqlx::query(
        "SELECT (SELECT count(*) FROM apikeys_keys), (SELECT count(*) FROM apikeys_secrets),
            (SELECT count(*) FROM apikeys_counters),
            (SELECT count(*) FROM apikeys_audit WHERE action = 'key.created')",
    )
    .fetch_one(&mut beside)
    .await
    .unwrap();
    for column in 0..4 {
        assert_eq!(rows.get::<i64, _>(column), i64::from(created));
    }
}

/// SQLite ends the transaction on this error.
#[tokio::test]
async fn write_after_a_full_disk_succeeds() {
    let folder = Folder::new();
    let path = folder.path().join("keys.db");
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(SqliteConnectOptions::new().filename(&path).create_if_missing(true))
        .await
        .unwrap();
    let store = SqliteStore::new(pool.clone());
    store.migrate().await.unwrap();
    let (key, _) = create(&store, &org("acme")).await;
    let writer = writer(&store).await;
    sqlx::query("PRAGMA max_page_count = 1").execute(&pool).await.unwrap();
    let too_much = batch(writer, 1, &key, 5_000);
    let error = store.record(&too_much).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    sqlx::query("PRAGMA max_page_count = 1000000").execute(&pool).await.unwrap();
    assert_eq!(store.record(&too_much).await.unwrap(), RecordOutcome::Applied);
    assert_eq!(store.key(&key.org, key.id).await.unwrap().unwrap().request_count, 5_000);
}

#[tokio::test]
async fn write_to_a_locked_file_waits_until_the_lock_is_released() {
    let folder = Folder::new();
    let path = folder.path().join("keys.db");
    // The connections do not wait for locks, so only the store waits.
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .busy_timeout(std::time::Duration::ZERO);
    let store = SqliteStore::new(SqlitePoolOptions::new().connect_with(options).await.unwrap());
    store.migrate().await.unwrap();
    let mut other = beside(&path).await;
    let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let acme = org("acme");
    let waiting = create(&store, &acme);
    let unlocking = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        held.rollback().await.unwrap();
    };
    tokio::join!(waiting, unlocking);
    assert_eq!(store.org(&acme).await.unwrap().unwrap().key_count, 1);
}

/// Four stores on one file share no lock in memory, as four processes would.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_creations_through_several_stores_do_not_exceed_the_quota() {
    use apikeys_sqlx_store::apikeys_core::{Actor, ApiKeys, ManageError, NewKey};

    let folder = Folder::new();
    let path = folder.path().join("keys.db");
    let mut engines = Vec::new();
    for _ in 0..4 {
        let store = SqliteStore::connect(&url(&path)).await.unwrap();
        engines.push(ApiKeys::builder(store).build().await.unwrap().0);
    }
    let actor = Actor::new("ann").unwrap();
    for round in 0..10 {
        let org = org(&format!("org_{round}"));
        let starter = PlanName::new("starter").unwrap();
        engines[0].operator(actor.clone()).set_plan(&org, &starter).await.unwrap();
        let racers: Vec<_> = (0..16)
            .map(|number| {
                let manage = engines[number % 4].manage(org.clone(), actor.clone());
                tokio::spawn(async move { manage.create(NewKey::new("CI").unwrap()).await })
            })
            .collect();
        let mut created = 0;
        for racer in racers {
            match racer.await.unwrap() {
                Ok(new) => {
                    note_secret(new.secret.display_prefix(), new.secret.expose());
                    created += 1;
                }
                Err(ManageError::KeyLimitReached { used: 2, .. }) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        let listed = engines[1].manage(org, actor.clone()).list(100, None).await.unwrap();
        assert_eq!((created, listed.items.len(), listed.quota.used), (2, 2, 2));
    }
}
