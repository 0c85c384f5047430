//! Requirements on forgetting an organization and purging its rows.

use super::{
    AnyHarness,
    fixture::{Fixture, NOW, create, delete, first, org, plan, set_plan},
    harness::race,
};
use crate::{
    OrgId, Timestamp,
    audit::{Action, AuditEntry, Detail, Outcome},
    store::{
        Batch, Change, ChangeKind, CommitOutcome, KeyQuery, KeyRow, KeyStore, PurgeProgress, RecordOutcome,
        SecretRow, UsageQuery, UsageStep,
    },
    token::Scheme,
};

/// Once an organization was forgotten, no method returns its plan, its keys, their usage or any earlier event, both
/// before and after [`purge`](KeyStore::purge) removes the rows. The event that records the forgetting remains.
pub async fn forgotten_organization_is_unreadable_before_and_after_the_purge(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let old = Organization::filled(&store, "o").await;
    let change = store.change(forget(&old.org));
    assert!(matches!(store.submit(&change).await, CommitOutcome::Done { .. }));
    old.is_gone(&store, &change).await;
    store.purge_forgotten().await;
    old.is_gone(&store, &change).await;
}

/// A purge of a forgotten organization does not change other organizations, even if each call of
/// [`purge`](KeyStore::purge) removes one row. Between the calls, keys of other organizations can be created,
/// found, used and deleted.
pub async fn purge_in_pieces_of_one_row_leaves_other_organizations_alone(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let old = Organization::filled(&store, "acme").await;
    let mut others = Vec::new();
    for id in ["Acme", "acme ", "acm", "acme2"] {
        let other = Organization::filled(&store, id).await;
        others.push((other.snapshot(&store).await, other));
    }
    let (busy, _) = store.create(&org("busy")).await;
    let writer = store.writer().await;
    let change = store.change(forget(&old.org));
    store.submit(&change).await;
    let mut pieces = 0;
    loop {
        let purged = store.shared().purge(1).await.expect("purge");
        pieces += 1;
        assert!(purged.rows <= 8, "a piece of about one row removed {purged:?}");
        old.is_gone(&store, &change).await;
        let batch = Batch::new(writer, pieces, vec![store.request(&busy, NOW, Outcome::Answered)]);
        assert_eq!(store.record(&batch).await, RecordOutcome::Applied);
        assert_eq!(store.view(&busy).await.expect("the key").request_count, pieces);
        let (row, secret) = store.create(&busy.org).await;
        assert_eq!(store.found(&secret.locator).await.expect("the key").key, row);
        store.done(delete(&row)).await;
        if !purged.more {
            break;
        }
        assert!(pieces < 1_000, "the purge comes to no end");
    }
    if store.supports_purge() {
        assert!(pieces >= 5, "only {pieces} pieces");
    } else {
        assert_eq!(pieces, 1, "a purge without rows to remove has one piece");
    }
    for (snapshot, other) in others {
        assert_eq!(other.snapshot(&store).await, snapshot, "{}", other.org);
    }
}

/// If the future of a [`purge`](KeyStore::purge) is dropped at any point, the next call removes the remaining
/// rows.
pub async fn purge_that_was_dropped_is_continued_by_the_next(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let bystander = Organization::filled(&store, "other").await;
    let snapshot = bystander.snapshot(&store).await;
    for round in 0..20 {
        let old = Organization::filled(&store, "o").await;
        let change = store.change(forget(&old.org));
        store.submit(&change).await;
        let shared = store.shared();
        let mut purge = Box::pin(shared.purge(5));
        let mut polls = 0;
        std::future::poll_fn(|context| {
            polls += 1;
            if purge.as_mut().poll(context).is_ready() || polls > round {
                return std::task::Poll::Ready(());
            }
            std::task::Poll::Pending
        })
        .await;
        drop(purge);
        store.purge().await;
        assert_eq!(store.purge().await, 0, "round {round}: nothing is left");
        old.is_gone(&store, &change).await;
        assert_eq!(in_use(&store).await, [Scheme::Sha256], "round {round}: only the bystander's");
    }
    assert_eq!(bystander.snapshot(&store).await, snapshot);
}

/// If several instances purge concurrently, each row is removed exactly once.
pub async fn concurrent_purges_remove_everything_once(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let bystander = Organization::filled(&store, "other").await;
    let snapshot = bystander.snapshot(&store).await;
    let once = Organization::filled(&store, "once").await;
    store.done(forget(&once.org)).await;
    let expected = store.purge().await;
    let mut changes = Vec::new();
    for number in 0..4 {
        let old = Organization::filled(&store, &format!("o{number}")).await;
        let change = store.change(forget(&old.org));
        store.submit(&change).await;
        changes.push((old, change));
    }
    let purges = (0..4).map(|_| {
        let store = store.shared();
        async move {
            let mut rows = 0;
            loop {
                let purged = store.purge(7).await.expect("purge");
                rows += purged.rows;
                if !purged.more {
                    return rows;
                }
            }
        }
    });
    let rows: u64 = race(harness, purges.collect::<Vec<_>>()).await.into_iter().sum();
    assert_eq!(rows, 4 * expected, "each organization has as many rows as the one before");
    for (old, change) in changes {
        old.is_gone(&store, &change).await;
    }
    assert_eq!(bystander.snapshot(&store).await, snapshot);
}

/// If no organization was forgotten and no usage of a deleted key remains in the store, a purge removes nothing.
/// A limit of 0 rows is treated as a limit of 1 row.
pub async fn purge_without_a_forgotten_organization_removes_nothing(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    assert_eq!(store.shared().purge(1_000).await.expect("purge"), PurgeProgress::new(0, false));
    let other = Organization::filled(&store, "o").await;
    let snapshot = other.snapshot(&store).await;
    // A store may remove usage of deleted keys first.
    store.purge().await;
    assert_eq!(other.snapshot(&store).await, snapshot);
    assert_eq!(store.purge().await, 0);
    store.done(forget(&other.org)).await;
    let mut calls = 0;
    while store.shared().purge(0).await.expect("purge").more {
        calls += 1;
        assert!(calls < 1_000, "a purge of 0 rows makes no progress");
    }
}

/// A new organization can be stored at once under the id of a forgotten organization. Before and after the purge,
/// the new organization has nothing of the old one except the event that records the forgetting.
pub async fn forgotten_id_returns_as_a_new_organization(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let old = Organization::filled(&store, "o").await;
    store.done(set_plan(&old.org, "enterprise", Some("starter"))).await;
    let change = store.change(forget(&old.org));
    store.submit(&change).await;
    // A new key may also have the same secret, because its locator is no longer in use.
    let row = store.row(&old.org);
    let secret = SecretRow::new(old.secret.locator.clone(), row.id, NOW);
    store.done(create(&row, std::slice::from_ref(&secret))).await;
    for is_purged in [false, true] {
        let stored = store.org(&row.org).await.expect("org").expect("the new organization");
        assert_eq!((stored.plan, stored.key_count), (plan("starter"), 1), "purged: {is_purged}");
        let view = store.view(&row).await.expect("the key");
        assert_eq!((view.request_count, view.last_used_at), (0, None));
        assert_eq!(store.view(&old.row).await, None);
        assert_eq!(store.all_keys(&row.org).await, std::slice::from_ref(&row));
        assert_eq!((usage(&store, &row).await, usage(&store, &old.row).await), (0, 0));
        assert_eq!(store.log(&row.org).await.len(), 2, "the forgetting and the creation");
        assert_eq!(store.found(&secret.locator).await.expect("the key").key, row);
        store.purge().await;
        assert_eq!(in_use(&store).await, [Scheme::Sha256]);
    }
    store.done(delete(&row)).await;
    assert_eq!(in_use(&store).await, []);
}

/// Requests with keys of a forgotten organization are neither recorded nor counted, before and after the purge.
/// This is so even if a new organization with the same id was stored.
pub async fn batch_after_forgetting_is_neither_recorded_nor_counted(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let old = Organization::filled(&store, "o").await;
    let (bystander, _) = store.create(&org("other")).await;
    let writer = store.writer().await;
    let events = |rows: &[&KeyRow]| {
        rows.iter().map(|row| store.request(row, NOW, Outcome::Answered)).collect::<Vec<_>>()
    };
    let first = Batch::new(writer, 1, events(&[&old.row, &old.deleted]));
    assert_eq!(store.record(&first).await, RecordOutcome::Applied);
    store.done(forget(&old.org)).await;
    let mut on_log = 1;
    for sequence in 2..=4 {
        if sequence == 3 {
            store.create(&old.org).await;
            on_log += 1;
        } else if sequence == 4 {
            store.purge().await;
        }
        let mut late = events(&[&old.row, &old.deleted, &bystander]);
        late.push(store.denials(&old.row, NOW, 3));
        assert_eq!(store.record(&Batch::new(writer, sequence, late)).await, RecordOutcome::Applied);
        assert_eq!(store.log(&old.org).await.len(), on_log, "batch {sequence}");
        assert_eq!((usage(&store, &old.row).await, usage(&store, &old.deleted).await), (0, 0));
        assert_eq!(store.view(&bystander).await.expect("the key").request_count, sequence - 1);
    }
}

/// An event without a key is kept, even if it is recorded after its organization was forgotten.
pub async fn events_without_a_key_after_forgetting_are_kept(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let old = Organization::filled(&store, "o").await;
    store.done(forget(&old.org)).await;
    let mut gap = store.event(&old.org, None, Action::AuditGap);
    (gap.actor, gap.detail) = (None, Detail::Gap { lost: 17 });
    store.recorded(vec![gap.clone()]).await;
    store.purge().await;
    let log = store.log(&old.org).await;
    assert_eq!((log.len(), &log[0].event), (2, &gap));
    assert_eq!(store.org(&old.org).await.expect("org"), None);
}

/// A change that was prepared while its organization was stored is refused after the organization was forgotten,
/// and does not store the organization again.
pub async fn change_decided_before_forgetting_is_refused(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let old = Organization::filled(&store, "o").await;
    let row = store.row(&old.org);
    let creation = store.prepared(create(&row, &[store.secret(row.id)])).await;
    let downgrade = store.prepared(set_plan(&old.org, "free", Some("starter"))).await;
    let deletion = store.change(delete(&old.row));
    let change = store.change(forget(&old.org));
    store.submit(&change).await;
    for is_purged in [false, true] {
        assert_eq!(store.submit(&creation).await, CommitOutcome::PlanChanged, "purged: {is_purged}");
        assert_eq!(store.submit(&downgrade).await, CommitOutcome::PlanChanged, "purged: {is_purged}");
        let answer = store.submit(&deletion).await;
        assert!(matches!(answer, CommitOutcome::NotFound { .. }), "purged: {is_purged}: {answer:?}");
        old.is_gone(&store, &change).await;
        store.purge().await;
    }
}

/// A change that was prepared while its organization was stored is refused after the organization was forgotten,
/// even if the organization was then stored again, on the same plan.
pub async fn change_decided_before_forgetting_is_refused_by_a_new_organization(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let again = [
        |org: &OrgId, _: &Fixture| set_plan(org, "starter", None),
        |org: &OrgId, store: &Fixture| first(create(&store.row(org), &[])),
    ];
    for (round, again) in again.iter().enumerate() {
        let old = Organization::filled(&store, &format!("o{round}")).await;
        let row = store.row(&old.org);
        let creation = store.prepared(create(&row, &[store.secret(row.id)])).await;
        let downgrade = store.prepared(set_plan(&old.org, "free", Some("starter"))).await;
        let before = store.org(&old.org).await.expect("org").expect("the organization").number;
        store.done(forget(&old.org)).await;
        store.done(again(&old.org, &store)).await;
        let stored = store.org(&old.org).await.expect("org");
        assert_ne!(stored.as_ref().map(|row| row.number), Some(before), "round {round}");
        let log = store.log(&old.org).await;
        for is_purged in [false, true] {
            for change in [&creation, &downgrade] {
                let answer = store.submit(change).await;
                assert_eq!(
                    answer,
                    CommitOutcome::PlanChanged,
                    "round {round}, purged: {is_purged}: {change:?}"
                );
            }
            assert_eq!(store.view(&row).await, None);
            assert_eq!(store.org(&old.org).await.expect("org"), stored);
            assert_eq!(store.log(&old.org).await, log);
            store.purge().await;
        }
    }
}

/// Each organization gets a number that the store has never given to another organization
/// ([`OrgRow::number`](crate::store::OrgRow::number)). The number does not change until the organization is
/// forgotten.
pub async fn organization_keeps_its_number_until_it_is_forgotten(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let number = async |org: &OrgId| store.org(org).await.expect("org").map(|row| row.number);
    let mut numbers = std::collections::BTreeSet::new();
    for round in 0..3 {
        for id in ["a", "b"] {
            let org = org(id);
            let (row, _) = store.create(&org).await;
            let first = number(&org).await.expect("a number");
            assert!(numbers.insert(first), "round {round}: {first:?} is given twice");
            store.done(set_plan(&org, "free", Some("starter"))).await;
            store.done(delete(&row)).await;
            store.recorded(vec![store.request(&row, NOW, Outcome::Answered)]).await;
            assert_eq!(number(&org).await, Some(first), "round {round}");
            store.done(forget(&org)).await;
            if round == 1 {
                store.purge().await;
            }
        }
    }
}

/// Forgetting an organization that is not stored returns `NotFound`. If the change that forgot an organization is
/// repeated under the same id, the store returns the answer of the first attempt.
pub async fn forgetting_an_organization_that_is_not_stored_is_not_found(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    let o = org("o");
    assert_eq!(store.attempt(forget(&o)).await, CommitOutcome::NotFound { revision: store.revision().await });
    store.done(set_plan(&o, "free", None)).await;
    let change = store.change(forget(&o));
    let done = store.submit(&change).await;
    assert!(
        matches!(done, CommitOutcome::Done { .. }),
        "an organization without keys is forgotten: {done:?}"
    );
    for _ in 0..2 {
        assert_eq!(
            store.attempt(forget(&o)).await,
            CommitOutcome::NotFound { revision: store.revision().await }
        );
        assert_eq!(store.submit(&change).await, done);
        assert_eq!(store.log(&o).await.len(), 1);
        store.purge().await;
    }
}

/// Forgetting an organization leaves only the event that records the forgetting, even if other calls create keys,
/// record a batch and purge rows at the same time. Each creation is either committed before the organization is
/// forgotten or refused.
pub async fn forgetting_concurrent_with_other_writes_leaves_only_its_event(harness: &dyn AnyHarness) {
    let store = Fixture::open(harness).await;
    for round in 0..20 {
        let org = org(&format!("o{round}"));
        let (row, secret) = store.create(&org).await;
        let batch = Batch::new(store.writer().await, 1, vec![store.request(&row, NOW, Outcome::Answered)]);
        let forgetting = store.change(forget(&org));
        let mut changes = vec![forgetting.clone()];
        for _ in 0..4 {
            let row = store.row(&org);
            changes.push(store.prepared(create(&row, &[store.secret(row.id)])).await);
        }
        let mut tasks: Vec<super::Task> = Vec::new();
        for change in changes {
            let store = store.shared();
            tasks.push(Box::pin(async move {
                let answer = store.commit(&change).await.expect("commit");
                let is_creation = matches!(change.kind, ChangeKind::Create { .. });
                assert!(
                    matches!(answer, CommitOutcome::Done { .. })
                        || is_creation && answer == CommitOutcome::PlanChanged,
                    "{answer:?}"
                );
            }));
        }
        let shared = store.shared();
        tasks.push(Box::pin(async move {
            assert_eq!(shared.record(&batch).await.expect("record"), RecordOutcome::Applied);
        }));
        let shared = store.shared();
        tasks.push(Box::pin(async move { while shared.purge(1).await.expect("purge").more {} }));
        race(harness, tasks).await;
        for _ in 0..2 {
            assert_eq!(store.found(&secret.locator).await, None, "round {round}");
            assert_eq!(store.view(&row).await, None, "round {round}");
            assert_eq!(store.org(&org).await.expect("org"), None, "round {round}");
            assert_eq!(store.all_keys(&org).await, [], "round {round}");
            let log: Vec<_> = store.log(&org).await.into_iter().map(|entry| entry.event).collect();
            assert_eq!(log, forgetting.events, "round {round}");
            store.purge().await;
        }
    }
}

/// An organization with rows in every table.
struct Organization {
    org: OrgId,
    row: KeyRow,
    secret: SecretRow,
    deleted: KeyRow,
}

impl Organization {
    async fn filled(store: &Fixture, id: &str) -> Self {
        let org = org(id);
        let (row, secret) = store.create(&org).await;
        store.create(&org).await;
        let (deleted, _) = store.create(&org).await;
        let later = NOW.saturating_add(std::time::Duration::from_secs(7_200));
        let requests = [(&row, NOW), (&row, later), (&deleted, NOW)];
        store
            .recorded(
                requests.map(|(row, at)| store.request(row, at, Outcome::Answered)).into_iter().collect(),
            )
            .await;
        store.done(delete(&deleted)).await;
        Self { org, row, secret, deleted }
    }

    /// Asserts that no method returns the organization's plan, keys, usage or events, except the event of
    /// `change`.
    async fn is_gone(&self, store: &Fixture, change: &Change) {
        assert_eq!(store.org(&self.org).await.expect("org"), None);
        assert_eq!(store.found(&self.secret.locator).await, None);
        assert_eq!(store.all_keys(&self.org).await, []);
        for row in [&self.row, &self.deleted] {
            assert_eq!(store.view(row).await, None);
            assert_eq!(usage(store, row).await, 0);
        }
        assert!(all_keys(store).await.iter().all(|row| row.org != self.org));
        let log = store.log(&self.org).await;
        assert_eq!((log.len(), &log[0].event, &log[0].key), (1, &change.events[0], &None));
    }

    async fn snapshot(&self, store: &Fixture) -> (Vec<KeyRow>, Vec<AuditEntry>, u32, u64, u64, KeyRow) {
        let found = store.found(&self.secret.locator).await.expect("the key").key;
        let view = store.view(&self.row).await.expect("the key");
        (
            store.all_keys(&self.org).await,
            store.log(&self.org).await,
            store.key_count(&self.org).await,
            usage(store, &self.row).await,
            view.request_count,
            found,
        )
    }
}

fn forget(org: &OrgId) -> ChangeKind {
    ChangeKind::ForgetOrg { org: org.clone() }
}

/// Returns the keys of all organizations.
async fn all_keys(store: &Fixture) -> Vec<KeyRow> {
    let (mut rows, mut query) = (Vec::new(), KeyQuery::new(None, 100));
    loop {
        let page = store.keys(&query).await.expect("keys");
        rows.extend(page.items.into_iter().map(|view| view.row));
        match super::fixture::moved_on(query.after, page.next) {
            None => return rows,
            next => query = query.after(next),
        }
    }
}

async fn in_use(store: &Fixture) -> Vec<Scheme> {
    store.schemes().await.expect("schemes")
}

/// Returns the number of a key's requests over all time.
async fn usage(store: &Fixture, row: &KeyRow) -> u64 {
    let query = UsageQuery::new(row.org.clone(), row.id, Timestamp::MIN, Timestamp::MAX, UsageStep::Day);
    store.usage(&query).await.expect("usage").iter().map(|point| point.requests).sum()
}
