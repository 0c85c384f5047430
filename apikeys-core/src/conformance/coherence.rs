//! Requirements on [`Coherence`], which stores support optionally ([`Harness::supports_coherence`]). The docs of
//! [`Coherence`] explain what a registered instance is.
//!
//! [`Harness::supports_coherence`]: super::Harness::supports_coherence

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    AnyHarness, Task,
    fixture::{Fixture, create, delete, org, renamed, set_plan, update},
    harness::race,
};
use crate::{
    id::{InstanceId, KeyId},
    store::{BehindInstance, ChangeKind, Changed, Coherence, KeyStore, MAX_POLLED_CHANGES, Polled, Revision},
};

/// The length of most leases in the suite.
const LEASE: Duration = Duration::from_millis(1_500);

/// Opens a store. Returns `None` if the harness says that the store does not support coherence.
async fn open(harness: &dyn AnyHarness) -> Option<Fixture> {
    let store = Fixture::open(harness).await;
    let supported = store.coherence().is_some();
    assert_eq!(supported, harness.supports_coherence(), "`coherence` does not fit `supports_coherence`");
    supported.then_some(store)
}

impl Fixture {
    fn coherence_part(&self) -> &dyn Coherence {
        part(&**self)
    }

    /// Registers a new instance. Returns its id and the latest revision.
    async fn registered(&self) -> (InstanceId, Revision) {
        let instance = InstanceId::from_bytes(self.bytes());
        let revision = self.coherence_part().register(instance, LEASE).await.expect("register");
        (instance, revision)
    }

    async fn polled(&self, instance: InstanceId, applied: Revision) -> Polled {
        self.coherence_part().poll(instance, applied).await.expect("poll")
    }

    async fn acknowledged(&self, instance: InstanceId, applied: Revision) -> bool {
        self.coherence_part().acknowledge(instance, applied).await.expect("acknowledge")
    }

    /// Returns the ids of the instances that are behind a revision.
    async fn behind(&self, revision: Revision) -> BTreeSet<InstanceId> {
        let behind = self.coherence_part().behind(revision).await.expect("behind");
        behind.into_iter().map(|behind| behind.instance).collect()
    }

    async fn fenced(&self, instances: &[InstanceId], revision: Revision) {
        self.coherence_part().fence(instances, revision).await.expect("fence");
    }

    async fn latest(&self) -> Revision {
        self.coherence_part().revision().await.expect("revision")
    }
}

fn part(store: &dyn KeyStore) -> &dyn Coherence {
    store.coherence().expect("coherence")
}

fn sorted(changes: Option<Vec<Changed>>) -> Vec<String> {
    let mut texts: Vec<_> =
        changes.expect("all changes").iter().map(|changed| format!("{changed:?}")).collect();
    texts.sort();
    texts
}

/// A new instance gets the latest revision and has nothing to apply. This also holds in a store without changes.
pub async fn registered_instance_has_applied_the_latest_revision(harness: &dyn AnyHarness) {
    let Some(store) = open(harness).await else { return };
    assert_eq!(store.latest().await, Revision(0));
    let (first, revision) = store.registered().await;
    assert_eq!(revision, Revision(0));
    assert_eq!(store.polled(first, revision).await, Polled::new(true, revision, Some(vec![])));
    store.create(&org("o")).await;
    let (second, revision) = store.registered().await;
    assert_eq!(revision, store.latest().await);
    assert!(revision > Revision(0));
    assert_eq!(store.polled(second, revision).await, Polled::new(true, revision, Some(vec![])));
    assert_eq!(store.behind(revision).await, [first].into());
}

/// A registration under an id that has a row changes nothing.
pub async fn repeated_registration_changes_nothing(harness: &dyn AnyHarness) {
    let Some(store) = open(harness).await else { return };
    let (instance, first) = store.registered().await;
    store.create(&org("o")).await;
    let repeated = store.coherence_part().register(instance, 2 * LEASE).await.expect("register");
    assert_eq!(repeated, first);
    let revision = store.latest().await;
    let behind = store.coherence_part().behind(revision).await.expect("behind");
    assert_eq!(behind, [BehindInstance::new(instance, LEASE)]);
}

/// Every kind of change is polled as its key or its organization, after any number of earlier changes.
pub async fn poll_returns_what_each_change_has_changed(harness: &dyn AnyHarness) {
    let Some(store) = open(harness).await else { return };
    let (one, other) = (org("o"), org("other"));
    let (instance, mut revision) = store.registered().await;
    let (row, _) = store.create(&one).await;
    let (second, _) = store.create(&other).await;
    let created = store.polled(instance, revision).await;
    assert_eq!((created.registered, created.revision), (true, store.latest().await));
    assert_eq!(sorted(created.changes), sorted(Some(vec![Changed::Key(row.id), Changed::Key(second.id)])));
    let row = renamed(&row, "renamed");
    let kinds = [
        (update(&row), Changed::Key(row.id)),
        (set_plan(&one, "professional", Some("starter")), Changed::Org(one.clone())),
        (delete(&row), Changed::Key(row.id)),
        (ChangeKind::ForgetOrg { org: other.clone() }, Changed::Org(other.clone())),
    ];
    for (kind, changed) in kinds {
        revision = store.latest().await;
        let done = store.done(kind).await;
        let polled = store.polled(instance, revision).await;
        assert_eq!(polled, Polled::new(true, done, Some(vec![changed])));
    }
    assert_eq!(store.polled(instance, store.latest().await).await.changes, Some(vec![]));
}

/// A poll that cannot return all changes says so. That is the case if there are too many, if the store no longer knows
/// the oldest, and if the instance has applied a revision that the store does not have.
pub async fn poll_reports_changes_that_it_cannot_return(harness: &dyn AnyHarness) {
    let Some(store) = open(harness).await else { return };
    let (instance, first) = store.registered().await;
    let org = org("o");
    let (mut row, _) = store.create(&org).await;
    for _ in 1..MAX_POLLED_CHANGES {
        row = renamed(&row, "renamed");
        store.done(update(&row)).await;
    }
    let all = store.polled(instance, first).await;
    assert_eq!(all.changes.map(|changes| changes.len()), Some(MAX_POLLED_CHANGES));
    store.done(update(&renamed(&row, "last"))).await;
    let latest = store.latest().await;
    let more = store.polled(instance, first).await;
    assert_eq!(more, Polled::new(true, latest, None));
    let later = Revision(latest.0 + 1);
    assert_eq!(store.polled(instance, later).await, Polled::new(true, latest, None));
}

/// An instance is behind until it has acknowledged the revision, and a lower acknowledgement changes nothing.
pub async fn instance_is_behind_until_it_acknowledges_the_revision(harness: &dyn AnyHarness) {
    let Some(store) = open(harness).await else { return };
    let ((one, _), (two, _)) = (store.registered().await, store.registered().await);
    let (row, _) = store.create(&org("o")).await;
    let first = store.latest().await;
    let second = store.done(delete(&row)).await;
    assert_eq!(store.behind(first).await, [one, two].into());
    assert!(store.acknowledged(one, first).await);
    assert_eq!(store.behind(first).await, [two].into());
    assert_eq!(store.behind(second).await, [one, two].into());
    assert!(store.acknowledged(one, second).await);
    assert!(store.acknowledged(one, first).await);
    assert_eq!(store.behind(second).await, [two].into());
    assert!(store.acknowledged(two, second).await);
    assert_eq!(store.behind(second).await, BTreeSet::new());
}

/// The lease of an instance is returned as it was registered.
pub async fn behind_returns_the_lease_of_each_instance(harness: &dyn AnyHarness) {
    let Some(store) = open(harness).await else { return };
    let leases = [Duration::from_millis(50), Duration::from_secs(2), Duration::from_secs(3_600)];
    let mut registered = Vec::new();
    for lease in leases {
        let instance = InstanceId::from_bytes(store.bytes());
        store.coherence_part().register(instance, lease).await.expect("register");
        registered.push(BehindInstance::new(instance, lease));
    }
    let mut behind = store.coherence_part().behind(Revision(1)).await.expect("behind");
    behind.sort_by_key(|behind| behind.instance);
    assert_eq!(behind, registered);
}

/// A fence removes the listed instances that are behind, and no others.
pub async fn fence_removes_only_listed_instances_that_are_behind(harness: &dyn AnyHarness) {
    let Some(store) = open(harness).await else { return };
    let ((stays, _), (gone, _), (unlisted, _)) =
        (store.registered().await, store.registered().await, store.registered().await);
    store.create(&org("o")).await;
    let revision = store.latest().await;
    assert!(store.acknowledged(stays, revision).await);
    let unknown = InstanceId::from_bytes(store.bytes());
    store.fenced(&[stays, gone, unknown], revision).await;
    assert!(store.polled(stays, revision).await.registered);
    assert!(!store.polled(gone, revision).await.registered);
    assert!(!store.acknowledged(gone, revision).await, "an instance without a row must not go on");
    assert!(store.polled(unlisted, revision).await.registered);
    assert_eq!(store.behind(revision).await, [unlisted].into());
    store.fenced(&[], revision).await;
    assert_eq!(store.behind(revision).await, [unlisted].into());
}

/// An instance that has left has no row, and leaving again changes nothing.
pub async fn instance_that_left_has_no_row(harness: &dyn AnyHarness) {
    let Some(store) = open(harness).await else { return };
    let ((left, _), (other, _)) = (store.registered().await, store.registered().await);
    for _ in 0..2 {
        store.coherence_part().leave(left).await.expect("leave");
        assert!(!store.polled(left, Revision(0)).await.registered);
        assert!(!store.acknowledged(left, Revision(0)).await);
        assert_eq!(store.behind(Revision(1)).await, [other].into());
    }
}

/// An instance that polls while keys change misses no change: the changes of all polls together are all changes.
pub async fn polls_concurrent_with_changes_miss_no_change(harness: &dyn AnyHarness) {
    let Some(store) = open(harness).await else { return };
    let (instance, start) = store.registered().await;
    let ended = Arc::new(AtomicBool::new(false));
    let mut creations = Vec::new();
    for number in 0..4 {
        let org = org(&format!("o{number}"));
        let rows: Vec<_> = (0..25).map(|_| store.row(&org)).collect();
        creations.push(rows);
    }
    let ids: BTreeSet<KeyId> = creations.iter().flatten().map(|row| row.id).collect();
    let mut tasks: Vec<Task> = Vec::new();
    for rows in creations {
        let changes: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(place, row)| (place, store.change(create(row, &[store.secret(row.id)]))))
            .collect();
        let shared = store.shared();
        tasks.push(Box::pin(async move {
            for (place, mut change) in changes {
                if let (0, ChangeKind::Create { expected, .. }) = (place, &mut change.kind) {
                    *expected = None;
                }
                let change = super::fixture::number(&*shared, change).await;
                let outcome = shared.commit(&change).await.expect("commit");
                assert!(matches!(outcome, crate::store::CommitOutcome::Done { .. }), "{outcome:?}");
            }
        }));
    }
    let (shared, ending) = (store.shared(), Arc::clone(&ended));
    let polling = async move {
        let (mut applied, mut seen) = (start, BTreeSet::new());
        loop {
            let is_last = ending.load(Ordering::SeqCst);
            let polled = part(&*shared).poll(instance, applied).await.expect("poll");
            assert!(polled.revision >= applied, "the revision went back");
            for changed in polled.changes.expect("all changes") {
                let Changed::Key(key) = changed else { panic!("{changed:?}") };
                assert!(seen.insert(key), "a change was polled twice");
            }
            applied = polled.revision;
            assert!(part(&*shared).acknowledge(instance, applied).await.expect("acknowledge"));
            if is_last {
                return seen;
            }
        }
    };
    let changing = async move {
        let mut running: Vec<_> = tasks;
        futures_util::future::join_all(running.drain(..)).await;
        ended.store(true, Ordering::SeqCst);
        BTreeSet::new()
    };
    let both: Vec<std::pin::Pin<Box<dyn Future<Output = BTreeSet<KeyId>> + Send>>> =
        vec![Box::pin(polling), Box::pin(changing)];
    let seen: BTreeSet<KeyId> = race(harness, both).await.into_iter().flatten().collect();
    assert_eq!(seen, ids);
}

/// The hint returns after a change. A store may also return without a change, or support no hints at all.
pub async fn hint_returns_if_there_is_a_later_revision(harness: &dyn AnyHarness) {
    let Some(store) = open(harness).await else { return };
    let before = store.latest().await;
    store.create(&org("o")).await;
    // A store without hints waits forever, so the hint is polled once, and need not be ready.
    let hint = store.coherence_part().hint(before);
    if let Some(result) = futures_util::FutureExt::now_or_never(hint) {
        result.expect("hint");
    }
}
