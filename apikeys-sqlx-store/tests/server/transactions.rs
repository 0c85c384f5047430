//! A write is applied completely or not at all, whichever statement fails, and the quota holds for several instances.

use std::{
    task::Poll,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

use apikeys_sqlx_store::apikeys_core::{
    KeyName, KeyStore, PlanName,
    audit::Action,
    store::{ChangeKind, CommitOutcome, KeyRow, RecordOutcome, SecretRow, StoreErrorKind, StoreResult},
};

use crate::{
    database::{Opened, Server},
    on_each_server,
    values::{batch, change, create, creation, deletion, done, forgetting, org, row, secret, writer},
};

on_each_server!(
    write_with_a_failing_statement_changes_nothing,
    commit_whose_future_is_dropped_is_applied_completely_or_not_at_all,
    creations_at_once_with_one_free_place_succeed_exactly_once,
    recording_delays_no_change_of_its_organization_but_forgetting,
);

/// The kinds of writes.
const WRITES: [Write; 7] =
    [Write::Create, Write::Update, Write::SetPlan, Write::Delete, Write::Forget, Write::Record, Write::Purge];

#[derive(Debug, Clone, Copy)]
enum Write {
    Create,
    Update,
    SetPlan,
    Delete,
    Forget,
    Record,
    Purge,
}

/// An organization of its own for one write.
struct Prepared {
    key: KeyRow,
    secret: SecretRow,
    writer: apikeys_sqlx_store::apikeys_core::id::WriterId,
}

impl Write {
    async fn prepare(self, store: &impl KeyStore, number: usize) -> Prepared {
        let org = org(&format!("org_{number}"));
        let (key, secret) = create(store, &org).await;
        let (gone, _) = create(store, &org).await;
        done(store, &deletion(&gone)).await;
        let writer = writer(store).await;
        store.record(&batch(writer, 1, &key, 3)).await.unwrap();
        if matches!(self, Self::Purge) {
            done(store, &forgetting(&org)).await;
        }
        Prepared { key, secret, writer }
    }

    async fn run(self, store: &impl KeyStore, prepared: &Prepared) -> StoreResult<()> {
        let key = &prepared.key;
        let expected = store.org(&key.org).await?.map(|row| row.stored_plan());
        let kind = match self {
            Self::Record => {
                let recorded = store.record(&batch(prepared.writer, 2, key, 3)).await?;
                assert_eq!(recorded, RecordOutcome::Applied);
                return Ok(());
            }
            Self::Purge => {
                let purged = store.purge(1_000).await?;
                assert!(purged.rows > 0 && !purged.more, "{purged:?}");
                return Ok(());
            }
            Self::Create => {
                let new = row(&key.org);
                creation(&new, &secret(new.id), expected)
            }
            Self::Update => {
                let mut renamed = key.clone();
                (renamed.name, renamed.version) = (KeyName::new("renamed").unwrap(), key.version + 1);
                let kind = ChangeKind::Update {
                    row: renamed,
                    expected_version: key.version,
                    added: vec![secret(key.id)],
                    dropped: vec![prepared.secret.locator.clone()],
                };
                change(kind, Action::KeyUpdated)
            }
            Self::SetPlan => {
                let plan = PlanName::new("free").unwrap();
                let kind = ChangeKind::SetPlan { org: key.org.clone(), plan, expected };
                change(kind, Action::PlanChanged)
            }
            Self::Delete => deletion(key),
            Self::Forget => forgetting(&key.org),
        };
        let committed = store.commit(&kind).await?;
        assert!(matches!(committed, CommitOutcome::Done { .. }), "{committed:?}");
        Ok(())
    }

    /// The fewest statements that fail. They are counted by table and kind.
    const fn fewest(self) -> usize {
        match self {
            // Organizations, keys, counters, secrets, schemes, warnings, audit events, revision and changes.
            Self::Create => 9,
            // Keys, secrets (twice), schemes, warnings, audit events, revision and changes.
            Self::Update => 8,
            // Organizations, audit events, revision and changes.
            Self::SetPlan => 4,
            // Tombstones, schemes, secrets, counters, keys, warnings, usage, organizations and the last three.
            Self::Delete => 11,
            // Organizations (twice), forgotten organizations and the last three.
            Self::Forget => 6,
            // Writers, counters, usage and audit events.
            Self::Record => 4,
            // Schemes, secrets, counters, warnings, keys, tombstones, usage, audit events and forgotten ones (twice).
            Self::Purge => 10,
        }
    }
}

async fn write_with_a_failing_statement_changes_nothing<S: Server>() {
    let mut opened = Opened::<S>::new().await;
    let mut number = 0;
    for write in WRITES {
        let mut faults = 0;
        for table in S::TABLES {
            for statement in ["INSERT", "UPDATE", "DELETE"] {
                number += 1;
                let prepared = write.prepare(&opened.store, number).await;
                let before = S::everything(&mut opened.beside).await;
                S::break_statement(&mut opened.beside, table, statement).await;
                let result = write.run(&opened.store, &prepared).await;
                S::mend(&mut opened.beside, table).await;
                let after = S::everything(&mut opened.beside).await;
                match result {
                    Ok(()) => assert_ne!(before, after, "{write:?}: {statement} on {table}"),
                    Err(error) => {
                        assert_eq!(error.kind(), StoreErrorKind::Rejected, "{error:?}");
                        assert!(!error.to_string().contains("words"), "{error}");
                        assert_eq!(before, after, "{write:?}: {statement} on {table}");
                        write.run(&opened.store, &prepared).await.unwrap();
                        faults += 1;
                    }
                }
            }
        }
        println!("{write:?}: {faults} faults");
        assert!(faults >= write.fewest(), "{write:?}: only {faults} faults");
    }
}

async fn commit_whose_future_is_dropped_is_applied_completely_or_not_at_all<S: Server>() {
    let mut opened = Opened::<S>::new().await;
    let store = &opened.store;
    let acme = org("acme");
    create(store, &acme).await;
    let plan = store.org(&acme).await.unwrap().map(|row| row.stored_plan());
    let (mut created, mut dropped) = (1, 0);
    for polls in 0..60 {
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
        dropped += u32::from(ended.is_none());
        // The update waits for the lock of the organization, and so for the end of the dropped transaction.
        let mut patch = new.clone();
        patch.version += 1;
        let update = ChangeKind::Update { row: patch, expected_version: 1, added: vec![], dropped: vec![] };
        let updated = store.commit(&change(update, Action::KeyUpdated)).await.unwrap();
        created += u32::from(matches!(updated, CommitOutcome::Done { .. }));
        let counted = store.org(&acme).await.unwrap().unwrap().key_count;
        assert_eq!(counted, created, "after {polls} polls");
    }
    assert!(dropped > 5 && created > 5, "{dropped} dropped, {created} created");
    for rows in
        ["apikeys_keys", "apikeys_secrets", "apikeys_counters", "apikeys_audit WHERE action = 'key.created'"]
    {
        let rows = S::number(&mut opened.beside, &format!("SELECT count(*) FROM {rows}")).await;
        assert_eq!(rows, i64::from(created));
    }
}

/// 100 rounds of 64 creations through two stores, which share no lock in memory, as two processes would.
async fn creations_at_once_with_one_free_place_succeed_exactly_once<S: Server>() {
    let mut opened = Opened::<S>::new().await;
    let stores = [opened.store.clone(), S::connect(&opened.database.url()).await.unwrap()];
    for round in 0..100 {
        let org = org(&format!("org_{round}"));
        create(&stores[0], &org).await;
        let plan = stores[0].org(&org).await.unwrap().map(|row| row.stored_plan());
        let racers: Vec<_> = (0..64)
            .map(|number| {
                let (store, plan, new) = (stores[number % 2].clone(), plan.clone(), row(&org));
                tokio::spawn(async move {
                    let mut creation = creation(&new, &secret(new.id), plan);
                    if let ChangeKind::Create { max_keys, .. } = &mut creation.kind {
                        *max_keys = Some(2);
                    }
                    store.commit(&creation).await.unwrap()
                })
            })
            .collect();
        let mut created = 0;
        for racer in racers {
            match racer.await.unwrap() {
                CommitOutcome::Done { .. } => created += 1,
                CommitOutcome::QuotaFull { used: 2 } => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(created, 1, "round {round}");
    }
    let keys = S::number(&mut opened.beside, "SELECT count(*) FROM apikeys_keys").await;
    let counted = "SELECT CAST(sum(key_count) AS SIGNED) FROM apikeys_orgs";
    let counted = counted.replace("SIGNED", S::INTEGER);
    assert_eq!((keys, S::number(&mut opened.beside, &counted).await), (200, 200));
}

/// A recording can take long, or its process can stop in the middle. Then other changes of the organization must not wait.
async fn recording_delays_no_change_of_its_organization_but_forgetting<S: Server>() {
    let mut opened = Opened::<S>::new().await;
    let mut watching = S::beside(&opened.database.url()).await;
    let acme = org("acme");
    let (key, _) = create(&opened.store, &acme).await;
    let writer = writer(&opened.store).await;
    let (store, batch) = (opened.store.clone(), batch(writer, 1, &key, 3));
    // Of the transactions of this test, only the recording uses this table.
    S::lock(&mut opened.beside, "apikeys_usage").await;
    let recording = tokio::spawn(async move { store.record(&batch).await });
    wait_until_running::<S>(&mut watching, 1).await;

    let created = timeout(Duration::from_secs(2), create(&opened.store, &acme)).await;
    let (other, _) = created.expect("a creation waits for the recording");
    let mut renamed = other.clone();
    (renamed.name, renamed.version) = (KeyName::new("renamed").unwrap(), 2);
    let update = ChangeKind::Update { row: renamed, expected_version: 1, added: vec![], dropped: vec![] };
    let update = change(update, Action::KeyUpdated);
    let updated = timeout(Duration::from_secs(2), done(&opened.store, &update)).await;
    updated.expect("an update waits for the recording");

    let (store, forgetting) = (opened.store.clone(), forgetting(&acme));
    let forgetting = tokio::spawn(async move { done(&store, &forgetting).await });
    wait_until_running::<S>(&mut watching, 2).await;
    assert!(!recording.is_finished() && !forgetting.is_finished());
    S::unlock(&mut opened.beside).await;
    assert_eq!(recording.await.unwrap().unwrap(), RecordOutcome::Applied);
    forgetting.await.unwrap();
    // The events belong to the organization as it was before it was forgotten.
    let counted = "SELECT count(*) FROM apikeys_audit a JOIN apikeys_forgotten f ON f.num = a.org WHERE a.outcome IS NOT NULL";
    assert_eq!(S::number(&mut watching, counted).await, 3);
}

/// Waits until `statements` statements run, and still run 200 ms later.
async fn wait_until_running<S: Server>(watching: &mut S::Beside, statements: i64) {
    let began = Instant::now();
    for _ in 0..2 {
        while S::number(watching, S::RUNNING).await < statements {
            assert!(began.elapsed() < Duration::from_secs(3), "fewer than {statements} statements wait");
            sleep(Duration::from_millis(10)).await;
        }
        sleep(Duration::from_millis(200)).await;
    }
}
